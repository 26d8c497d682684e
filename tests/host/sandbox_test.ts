import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { PLUGIN_DEFAULTS } from "../../src/config/defaults.ts";
import { missingGrant } from "../../src/host/missing_grant.ts";
import { processEnvironment } from "../../src/thread/process_environment.ts";
import { ANSWERS, ASKING, ASKING_GRANTS, asks } from "../support/asking_plugin.ts";
import { messageOf, streamRequest, valueOf } from "../support/requests.ts";
import { TestServer } from "../support/test_server.ts";

const permissions = { ...PLUGIN_DEFAULTS.permissions, ...ASKING_GRANTS };

/** The same, with one more that tells what there is of the engine's internals, and of what moves the whole process. */
const PRYING = ASKING.replace(
  "commands: {",
  `commands: {
    1999: { name: "pry", run: async () => [
      Deno[Deno.internal], Deno.chdir, Deno.umask, (await import("node:process")).default.binding,
    ].map((each) => typeof each) },`,
);

for (const isolation of ["worker", "process"] as const) {
  Deno.test(`as a ${isolation}, what is not granted is refused, with the grant that is missing and its line`, async (t) => {
    await using server = await TestServer.start({
      plugins: [{ name: "asking", source: PRYING, permissions, isolation }],
    });
    await Deno.writeTextFile(`${server.directory}/beside.txt`, "beside");
    using connection = await server.connect();
    for (const { command, sentence, line } of asks("/tmp")) {
      await connection.send(streamRequest({ plugin: "asking", command, params: { path: "/tmp" } }));
      const reply = await connection.reply();
      assertEquals(reply.code, 14, `${command}`);
      assertStringIncludes(messageOf(reply), sentence);
      const { 1: grant = "" } = messageOf(reply).split("; grant it in its [[plugin]] table: ");
      assertStringIncludes(grant, line);
    }
    for (const [command, answer] of ANSWERS) {
      await connection.send(streamRequest({ plugin: "asking", command }));
      assertEquals(valueOf(await connection.reply()), answer, `${command}`);
    }
    await t.step("a plugin has neither the engine's internals nor what moves the whole process", async () => {
      await connection.send(streamRequest({ plugin: "asking", command: 1999 }));
      assertEquals(valueOf(await connection.reply()), ["undefined", "undefined", "undefined", "undefined"]);
    });
    assertEquals(server.plugin("asking").restarts, 0);
  });
}

Deno.test("what is granted works, and what a start or an import lacks keeps the server from starting, with the line", async () => {
  const read = (text: string) => `export default { name: "p", start() { ${text} }, commands: {} };`;
  const source = read('Deno.readTextFileSync("/etc/hostname"); Deno.env.get("HOME");');
  const start = (grants: object, text = source, isolation: "worker" | "process" = "worker") =>
    TestServer.start({
      plugins: [{
        name: "p",
        source: text,
        isolation,
        permissions: { ...PLUGIN_DEFAULTS.permissions, ...grants },
      }],
    });
  for (const isolation of ["worker", "process"] as const) {
    const error = await assertRejects(() => start({ env: true }, source, isolation));
    assertStringIncludes(error.message, 'plugin p does not load: plugin p may not read "/etc/hostname"');
    assertStringIncludes(error.message, 'permissions = { read = ["/etc/hostname"], env = true }');
    assertStringIncludes(error.message, "/p.ts:1:");
    await (await start({ env: ["HOME"], read: ["/etc/hostname"] }, source, isolation))[Symbol.asyncDispose]();
  }
  const error = await assertRejects(() => start({}, 'await import("/etc/" + "x.js"); export default {};'));
  assertStringIncludes(error.message, 'plugin p may not read "/etc/x.js"');
});

Deno.test("with all files granted, the memory and the environment of the process are not", async () => {
  const source =
    `export default { name: "p", commands: { 1001: { name: "a", run: ({ params }) => void Deno.openSync(params.string("path")) } } };`;
  const granted = { ...PLUGIN_DEFAULTS.permissions, read: true, write: true };
  for (const isolation of ["worker", "process"] as const) {
    await using server = await TestServer.start({
      plugins: [{ name: "p", source, isolation, permissions: granted }],
    });
    using connection = await server.connect();
    for (
      const path of [
        "/proc/self/environ",
        "/proc/self/mem",
        `/proc/${Deno.pid}/environ`,
        `/proc/${Deno.pid}/mem`,
      ]
    ) {
      await connection.send(streamRequest({ plugin: "p", params: { path } }));
      assertEquals(
        messageOf(await connection.reply()),
        `plugin p may not open ${JSON.stringify(path)}, which no grant gives`,
      );
    }
  }
});

Deno.test("an error that escapes, and one of stop, are logged with the grant that is missing", async () => {
  const server = await TestServer.start({
    plugins: [{
      name: "p",
      source: `export default { name: "p", commands: { 1001: { name: "a", run() {
        setTimeout(() => Deno.hostname(), 0); Promise.reject(new Error("lost", { cause: grab() })); } } },
        stop() { Deno.env.get("HOME"); } };
        const grab = () => { try { Deno.readTextFileSync("/etc/passwd"); } catch (error) { return error; } };`,
    }],
  });
  try {
    using connection = await server.connect();
    await connection.send(streamRequest({ plugin: "p" }));
    assertEquals((await connection.reply()).code, 1000);
    for (const line of ['sys = [\\"hostname\\"]', 'lost: plugin p may not read \\"/etc/passwd\\"']) {
      await server.until(`${line} is logged`, () => server.log.some((each) => each.includes(line)));
    }
  } finally {
    await server[Symbol.asyncDispose]();
  }
  assertEquals(server.log.some((line) => line.includes('env = [\\"HOME\\"]')), true);
});

Deno.test("a missing grant is found in causes and in what is gathered, and in nothing else", () => {
  const none = PLUGIN_DEFAULTS.permissions;
  const tell = (thrown: unknown) => missingGrant(thrown, "p", none);
  const refused = new Deno.errors.NotCapable(
    'Requires read access to "/a\\"b", run again with the --allow-read flag',
  );
  assertEquals(
    tell(refused),
    'plugin p may not read "/a\\"b"; grant it in its [[plugin]] table: permissions = { read = ["/a\\"b"] }',
  );
  assertStringIncludes(
    tell(new AggregateError([new Error("a"), refused], "all failed"))!,
    "all failed: plugin p may not",
  );
  assertEquals(
    tell(
      new AggregateError([
        refused,
        new Deno.errors.NotCapable("Requires run access, run again with the --allow-run flag", {
          cause: refused,
        }),
      ], "no start"),
    ),
    'no start: plugin p may not read "/a\\"b" and is not granted to run every program; ' +
      'grant it in its [[plugin]] table: permissions = { read = ["/a\\"b"], run = true }',
  );
  let deep: unknown = refused;
  for (let i = 0; i < 20; i++) deep = new Error("x", { cause: deep });
  const round = new Error("round");
  round.cause = round;
  const many = new AggregateError([]);
  many.errors = Array.from({ length: 1000 }, () => many);
  const hostile = new Proxy(new Error("x"), {
    get() {
      throw new Error("no");
    },
  });
  const nothing = [
    deep,
    round,
    many,
    hostile,
    null,
    "Requires read access",
    new Error('Requires read access to "/a"'),
  ];
  for (const each of nothing) assertEquals(tell(each), undefined);
  assertEquals(tell(new Deno.errors.NotCapable("Requires magic access to <x>")), undefined);
});

Deno.test("a plugin's process gets of the environment what is granted, and what any program needs", () => {
  const all = { PATH: "/bin", TZ: "UTC", SECRET: "s", AWS_KEY: "k", HTTPS_PROXY: "http://u:p@proxy" };
  assertEquals(processEnvironment(all, {}), { PATH: "/bin", TZ: "UTC" });
  assertEquals(processEnvironment(all, { env: ["AWS_*"], net: ["a:1"] }), {
    PATH: "/bin",
    TZ: "UTC",
    AWS_KEY: "k",
    HTTPS_PROXY: "http://u:p@proxy",
  });
  assertEquals(processEnvironment(all, { env: true }), all);
});

Deno.test("the environment of a plugin's process holds nothing else, whoever looks", async () => {
  const source = `export default { name: "q", commands: { 1001: { name: "a", async run() {
    const text = await new Deno.Command("cat", { args: [\`/proc/\${Deno.pid}/environ\`] }).output();
    return new TextDecoder().decode(text.stdout).split("\\0").filter((each) => each.startsWith("MEVENT_")).toSorted();
  } } } };`;
  Deno.env.set("MEVENT_SECRET", "s");
  Deno.env.set("MEVENT_GRANTED", "g");
  try {
    await using server = await TestServer.start({
      plugins: [{
        name: "q",
        source,
        isolation: "process",
        permissions: { ...PLUGIN_DEFAULTS.permissions, env: ["MEVENT_GRANTED"], run: ["cat"] },
      }],
    });
    using connection = await server.connect();
    await connection.send(streamRequest({ plugin: "q" }));
    assertEquals(valueOf(await connection.reply()), ["MEVENT_GRANTED=g"]);
  } finally {
    Deno.env.delete("MEVENT_SECRET");
    Deno.env.delete("MEVENT_GRANTED");
  }
});
