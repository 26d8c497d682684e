import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { checkFindings } from "../../src/cli/config/check_findings.ts";
import type { Reply } from "../../src/protocol/reply.ts";
import { ReplyCode } from "../../src/protocol/codes.ts";
import { concat } from "../support/bytes.ts";
import { messageOf, streamRequest } from "../support/requests.ts";
import { until } from "../support/until.ts";
import { tempFolder } from "../support/temp_folder.ts";
import { TestServer, type TestServerOptions } from "../support/test_server.ts";

/** Zeros that a journal writes ahead of what it holds; in bytes. */
const WRITTEN_AHEAD = 2 ** 18;
const ECHO = { name: "echo", durability: "journal" } as const;

function start(data: string, options: Omit<TestServerOptions, "server"> = {}): Promise<TestServer> {
  return TestServer.start({ plugins: [ECHO], ...options, server: { data } });
}

Deno.test("a journal is open in one server at a time; the other one does not start and says why", async () => {
  await using data = await tempFolder();
  {
    await using server = await start(data.path);
    const error = await assertRejects(() => start(data.path), Error, "plugin echo cannot open its journal: ");
    assertStringIncludes(error.message, data.path);
    using connection = await server.connect();
    await connection.send(streamRequest({ sync: false }));
    assertEquals((await connection.reply()).code, 1000);
    await server.until("it has run", () => server.plugin("echo").done === 1);
    const { journal } = server.plugin("echo");
    assertEquals([journal!.problem, journal!.unsynced, journal!.spilled], [null, 0, 0]);
    await server.until(
      "what is left on the disk is told",
      () => server.plugin("echo").journal!.free_bytes! > 0,
    );
    assert(journal!.disk_bytes > 0 && server.stats().disk_bytes === journal!.disk_bytes);
  }
  await using again = await start(data.path);
  assertEquals(again.plugin("echo").queued, 0, "when the first has stopped it is free");
});

Deno.test("a folder and its files belong to their owner alone; a plugin's name cannot lead out of it", async () => {
  await using data = await tempFolder();
  await using _server = await start(`${data.path}/new`, {
    plugins: [ECHO, { ...ECHO, name: "../a/b", module: "builtin:echo", biz: 4 }],
  });
  const names = [...Deno.readDirSync(`${data.path}/new`)].map(({ name }) => name).sort();
  assertEquals(names, ["%2E.%2Fa%2Fb", "echo"]);
  for (const name of names) {
    const folder = `${data.path}/new/${name}`;
    assertEquals(Deno.statSync(folder).mode! & 0o777, 0o700);
    for (const file of Deno.readDirSync(folder)) {
      assertEquals(Deno.statSync(`${folder}/${file.name}`).mode! & 0o777, 0o600, file.name);
    }
  }
});

Deno.test("where nothing says where journals are to be, the start is refused and says what to do; the environment may say it", async () => {
  await using data = await tempFolder();
  await assertRejects(() => start(""), Error, "there is no folder for it: name one with data of [server]");
  await using _server = await TestServer.start({
    plugins: [ECHO],
    env: { STATE_DIRECTORY: `${data.path}:/elsewhere` },
  });
  assertEquals([...Deno.readDirSync(data.path)].map(({ name }) => name), ["echo"]);
});

Deno.test("a journal of no plugin is told at the start", async () => {
  await using data = await tempFolder();
  {
    await using server = await start(data.path);
    server.server.registry.plugins[0]!.pause();
    using connection = await server.connect();
    await connection.send(streamRequest({ sync: false }));
    assertEquals((await connection.reply()).code, 1000);
  }
  {
    await using server = await start(data.path, { plugins: [{ name: "echo" }] });
    const told = server.log.filter((line) => line.includes("what is in it does not run"));
    assertEquals(told.length, 1);
    assertStringIncludes(told[0]!, '"plugin":"echo"');
  }
  await using server = await start(data.path);
  await server.until("it runs when it is asked for again", () => server.plugin("echo").done === 1);
});

Deno.test("journals are bounded, each and all together: above that async operations are refused, sync ones run", async () => {
  await using data = await tempFolder();
  const text = "x".repeat(60_000);
  for (
    const [bound, options] of [
      ["its own", {
        plugins: [{ ...ECHO, journal: { sync: 0, maxDisk: 2 ** 25 } }],
        server: { data: data.path },
      }],
      ["of all", { plugins: [ECHO], server: { data: `${data.path}/all`, max_disk: "32 MiB" } }],
    ] as const
  ) {
    await using server = await TestServer.start(options);
    using connection = await server.connect();
    server.server.registry.plugins[0]!.pause();
    const some = concat(Array.from({ length: 16 }, () => streamRequest({ sync: false, params: { text } })));
    let refused: Reply | undefined;
    for (let sent = 0; refused === undefined; sent += 16) {
      assert(sent < 1000, bound);
      await connection.send(some);
      refused = (await connection.replies(16)).find(({ code }) => code !== 1000);
    }
    assertEquals(refused.code, 21);
    assertStringIncludes(messageOf(refused), "max_disk");
    const { disk_bytes } = server.stats();
    assert(disk_bytes <= 2 ** 25 + WRITTEN_AHEAD, `${disk_bytes}`);
    // What came together was refused together: some of it may fit by itself.
    for (let code: number = ReplyCode.Ok; code === ReplyCode.Ok;) {
      await connection.send(streamRequest({ sync: false, params: { text } }));
      ({ code } = await connection.reply());
    }
    await server.until("it says that it is not ready", () => !server.stats().ready);
    const { not_ready, disk_level } = server.stats();
    assertEquals(not_ready.length, 1);
    assertMatch(not_ready[0]!, /^the journal of plugin echo takes no operations: .*max_disk/);
    assertEquals(bound === "its own" ? server.plugin("echo").journal!.disk_level : disk_level, "full");
    const told = server.log.filter((line) =>
      line.includes(bound === "its own" ? "journal.max_disk" : "(max_disk)")
    );
    assertEquals(told.map((line) => JSON.parse(line).disk_level), ["info", "warning", "full"]);
    server.server.registry.plugins[0]!.resume();
    await connection.send(streamRequest({ params: { n: 1 } }));
    assertEquals((await connection.reply()).code, 1000);
    await until("what was taken runs, and there is room again", async () => {
      if (server.plugin("echo").queued > 0) return false;
      await connection.send(streamRequest({ sync: false }));
      return (await connection.reply()).code === 1000;
    });
    await server.until("it is ready again", () => server.stats().ready);
    assertEquals(server.stats().not_ready, []);
  }
});

Deno.test("an idle journal gives its files back when another one has no room below max_disk", async () => {
  await using data = await tempFolder();
  const kept = { durability: "journal" as const };
  await using server = await TestServer.start({
    plugins: [{ name: "echo", ...kept }, { name: "other", module: "builtin:echo", biz: 4, ...kept }],
    server: { data: data.path, max_disk: "32 MiB" },
  });
  using connection = await server.connect();
  const params = { text: "x".repeat(60_000) };
  const fill = async (plugin: string) => {
    const some = concat(Array.from({ length: 16 }, () => streamRequest({ plugin, sync: false, params })));
    for (let sent = 0; sent < 15; sent++) {
      await connection.send(some);
      for (const { code } of await connection.replies(16)) assertEquals(code, 1000, `${plugin} ${sent}`);
    }
    await server.until(
      "all of it has run",
      () => server.plugin(plugin).queued + server.plugin(plugin).in_flight === 0,
    );
  };
  await fill("echo");
  await server.until("it is on the disk", () => server.plugin("echo").journal!.disk_bytes > 14e6);
  // Half of the space is the idle one's, all of it dead.
  server.server.registry.plugins[1]!.pause();
  let refused = 0;
  for (let sent = 0; sent < 400;) {
    await connection.send(streamRequest({ plugin: "other", sync: false, params }));
    if ((await connection.reply()).code === 1000) sent++;
    else {
      refused++;
      await server.until("there is room again", () => server.stats().ready);
    }
    assert(refused < 50, `${refused} were refused`);
  }
  assert(server.plugin("echo").journal!.disk_bytes < 1e6, "the idle one has given back");
});

Deno.test("mevent check says where journals cannot be kept", async () => {
  await using data = await tempFolder();
  await Deno.writeTextFile(`${data.path}/file`, "");
  const found = async (folder: string) => {
    const document = {
      server: { data: folder, tcp: "", udp: "" },
      plugin: [{ name: "echo", module: "builtin:echo", durability: "journal" }],
    };
    const { findings } = await checkFindings({ document, env: {}, flags: {} });
    return findings.filter(({ severity }) => severity === "error").map(({ key, text }) => [key, text]);
  };
  assertEquals(await found(`${data.path}/is/made`), []);
  const [[key, text] = []] = await found(`${data.path}/file`);
  assertEquals(key, "server.data");
  assertStringIncludes(text!, `journals cannot be kept there: ${data.path}/file is no folder`);
  assertStringIncludes((await found(""))[0]![1]!, "there is no folder for it: name one");
  assertEquals(
    [...Deno.readDirSync(data.path)].map(({ name }) => name),
    ["file"],
    "it leaves nothing behind",
  );
});
