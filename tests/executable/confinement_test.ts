import { assertEquals, assertStringIncludes } from "@std/assert";
import { landlockVersion } from "../../src/host/landlock.ts";
import { executableTest, isMissing, Workplace } from "./executable.ts";

const hasLandlock = landlockVersion() > 0;
if (!hasLandlock) {
  console.error("SKIPPED: the kernel has no Landlock, so code made at run time is not confined");
}

/** Ways to a module that Deno's own permissions do not see, each as a command that answers what it got hold of. */
const GREEDY = `const heard = (worker) => new Promise((resolve) => {
  worker.onmessage = ({ data }) => { worker.terminate(); resolve(data); };
  worker.onerror = (event) => { event.preventDefault(); worker.terminate(); resolve(new Error(event.message)); };
}).then((told) => { if (told instanceof Error) throw told; return told; });
const data = (code) => "data:text/javascript," + encodeURIComponent(code);
const json = (url) => "import(" + JSON.stringify(url) + ", { with: { type: 'json' } }).then((m) => m.default)";
const told = (code) => code + ".then(postMessage, (error) => postMessage(new Error(error.message)))";
const url = (context) => new URL(context.params.string("file"), "file:///").href;
export default {
  name: "greedy",
  start() {
    Deno.permissions.querySync = () => ({ state: "granted" });
  },
  commands: {
    1001: { name: "eval", run: (context) => (0, eval)(json(url(context))) },
    1002: { name: "function", run: (context) => new Function("return " + json(url(context)))() },
    1003: { name: "data", run: async (context) => (await import(data("export default await " + json(url(context))))).default },
    1004: { name: "worker_eval", run: (context) => heard(new Worker(data(told(json(url(context)))), { type: "module" })) },
    1005: { name: "import", run: async (context) => (await import(url(context), { with: { type: "json" } })).default },
    1006: { name: "module", run: (context) => heard(new Worker(url(context), { type: "module" })) },
    1007: { name: "vm", run: async (context) =>
      (await import("node:vm")).runInThisContext("(url) => import(url, { with: { type: 'json' } })")(url(context)).then((m) => m.default) },
    1008: { name: "library", run: (context) => heard(new Worker(data(
      "try { Deno.dlopen('libc.so.6', {}); postMessage('loaded'); } catch (error) { postMessage(error.name); }"), { type: "module" })) },
    1009: { name: "own_library", run: () => { Deno.dlopen("libc.so.6", {}); return "loaded"; } },
    1010: { name: "ask", run: async () => (await Deno.permissions.request({ name: "ffi" })).state },
    1011: { name: "fetch", run: async (context) => (await fetch(context.params.string("url"))).text() },
    1012: { name: "time", run: () => new Date(0).toString() },
    1013: { name: "rename", run: (context) => {
      const [from, to] = ["from", "to"].map((name) => context.params.string(name));
      Deno.writeTextFileSync(from, "moved");
      Deno.renameSync(from, to);
      return Deno.readTextFileSync(to);
    } },
    1014: { name: "database", run: async (context) => {
      const { DatabaseSync } = await import("node:sqlite");
      const database = new DatabaseSync(context.params.string("path"));
      database.exec("PRAGMA journal_mode = WAL; CREATE TABLE t (n); INSERT INTO t VALUES (7)");
      const row = database.prepare("SELECT n FROM t").get();
      database.close();
      return row.n;
    } },
    1015: { name: "system", run: async () => {
      const os = await import("node:os");
      return [os.cpus().length > 0, os.release() !== "", os.userInfo().username !== ""];
    } },
    1016: { name: "spill", run: async (context) => {
      const { DatabaseSync } = await import("node:sqlite");
      const database = new DatabaseSync(context.params.string("path"));
      database.exec("PRAGMA cache_size = 10; CREATE TABLE u (n); CREATE TEMP TABLE v (n)");
      const insert = database.prepare("INSERT INTO u VALUES (?)");
      database.exec("BEGIN");
      for (let i = 0; i < 50_000; i++) insert.run((i * 7919) % 50_000 + " is a row of some length");
      database.exec("COMMIT; CREATE INDEX w ON u (n); INSERT INTO v SELECT n FROM u");
      const row = database.prepare("SELECT count(DISTINCT n) AS count FROM u").get();
      database.close();
      return row.count;
    } },
  },
};
`;
const IMPORTS = [1001, 1002, 1003, 1004, 1005];

function confinedTest(name: string, run: () => Promise<void>): void {
  Deno.test({ name: `executable: ${name}`, ignore: isMissing || !hasLandlock, fn: run });
}

function config(permissions: string, isolation = "worker"): string {
  return `[[plugin]]\nname = "greedy"\nmodule = "./greedy.js"\nisolation = "${isolation}"\npermissions = { ${permissions} }\n`;
}

for (const isolation of ["worker", "process"]) {
  confinedTest(
    `as a ${isolation}, code made at run time imports no more than the plugin may read`,
    async () => {
      await using place = await Workplace.make({
        "greedy.js": GREEDY,
        "secret.json": '{ "password": "hunter2" }',
        "secret.js": 'postMessage("hunter2");',
      });
      await Deno.mkdir(`${place.path}/open`);
      await place.write("open/public.json", "7");
      await place.write("open/public.js", 'postMessage("public");');
      await place.write("mevent.toml", config(`read = ["${place.path}/open"]`, isolation));
      await using server = await place.serve();
      await using client = await server.connect();
      for (const command of IMPORTS) {
        const secret = await client.request("greedy", command, { file: `${place.path}/secret.json` });
        assertEquals(secret.code, 14, `${command}`);
        const { Output } = secret.value as { Output: { errmsg: string } };
        assertStringIncludes(Output.errmsg, "plugin greedy may not read");
        assertStringIncludes(Output.errmsg, "permissions = { read = [");
        const open = await client.request("greedy", command, { file: `${place.path}/open/public.json` });
        assertEquals(open.value, 7, `${command}`);
      }
      const secret = await client.request("greedy", 1006, { file: `${place.path}/secret.js` });
      assertEquals(secret.code, 14);
      assertEquals(
        (await client.request("greedy", 1006, { file: `${place.path}/open/public.js` })).value,
        "public",
      );
    },
  );

  confinedTest(
    `as a ${isolation}, a confined plugin loads no library, nor does a worker of its own, and is told what it may not reach`,
    async () => {
      await using place = await Workplace.make({ "greedy.js": GREEDY, "mevent.toml": config("", isolation) });
      await using server = await place.serve();
      await using client = await server.connect();
      assertEquals((await client.request("greedy", 1008, {})).value, "NotCapable");
      assertEquals((await client.request("greedy", 1010, {})).value, "denied");
      const refusal = async (command: number, params: Record<string, string>) => {
        const { code, value } = await client.request("greedy", command, params);
        assertEquals(code, 14);
        return (value as { Output: { errmsg: string } }).Output.errmsg;
      };
      assertStringIncludes(await refusal(1009, {}), 'plugin greedy may not load the library "libc.so.6"');
      // Deno reads the system's certificates before it asks for the permission.
      assertStringIncludes(
        await refusal(1011, { url: "http://127.0.0.1:9/" }),
        'plugin greedy may not use the network at "127.0.0.1:9"',
      );
    },
  );
}

confinedTest(
  "a confined plugin resolves names, moves files and keeps a database as its grants say",
  async () => {
    await using place = await Workplace.make({ "greedy.js": GREEDY });
    for (const folder of ["in", "out"]) await Deno.mkdir(`${place.path}/${folder}`);
    const granted = ["in", "out", "data.db"].map((name) => JSON.stringify(`${place.path}/${name}`)).join(
      ", ",
    );
    await using web = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      () => new Response("from the network"),
    );
    const host = `localhost:${web.addr.port}`;
    await place.write(
      "mevent.toml",
      config(`net = ["${host}"], sys = true, read = [${granted}], write = [${granted}]`),
    );
    await using server = await place.serve();
    await using client = await server.connect();
    const value = async (command: number, params: Record<string, string>) => {
      const reply = await client.request("greedy", command, params);
      assertEquals(reply.code, 1000, `${command}: ${JSON.stringify(reply.value)}`);
      return reply.value;
    };
    assertEquals(await value(1011, { url: `http://${host}/` }), "from the network");
    assertEquals(await value(1013, { from: `${place.path}/in/a`, to: `${place.path}/out/b` }), "moved");
    assertEquals(await value(1014, { path: `${place.path}/data.db` }), 7);
    assertEquals(await value(1015, {}), [true, true, true]);
    assertEquals(await value(1016, { path: `${place.path}/data.db` }), 50_000);
    assertStringIncludes(String(await value(1012, {})), "1970");
  },
);

confinedTest("plugin check runs a plugin as confined as the server", async () => {
  const source = `const secret = await new Function("url", "return import(url, { with: { type: 'json' } })")(
    new URL("../secret.json", import.meta.url).href);
export default { name: secret.default.password, commands: {} };`;
  await using place = await Workplace.make({ "secret.json": '{ "password": "hunter2" }' });
  await Deno.mkdir(`${place.path}/plugins`);
  await place.write("plugins/greedy.js", source);
  const { code, stdout, stderr } = await place.run("plugin", "check", "plugins/greedy.js");
  assertEquals(code, 65, stdout + stderr);
  assertStringIncludes(stdout + stderr, "may not read a module that code made at run time imports");
  assertEquals((stdout + stderr).includes("hunter2"), false);
});

confinedTest(
  "a reload lets a plugin read the folder that stands in a granted one's place by now",
  async () => {
    await using place = await Workplace.make({
      "greedy.js": GREEDY,
      "mevent.toml": config('read = ["./open"]'),
    });
    for (const [folder, text] of [["open", "1"], ["next", "2"]] as const) {
      await Deno.mkdir(`${place.path}/${folder}`);
      await place.write(`${folder}/public.json`, text);
    }
    await using server = await place.serve();
    await using client = await server.connect();
    const read = () => client.request("greedy", 1001, { file: `${place.path}/open/public.json` });
    assertEquals((await read()).value, 1);
    await Deno.rename(`${place.path}/open`, `${place.path}/before`);
    await Deno.rename(`${place.path}/next`, `${place.path}/open`);
    const reloaded = await place.run("reload", "--unix", "mevent.sock");
    assertEquals(reloaded.code, 0, reloaded.stderr);
    assertStringIncludes(reloaded.stdout, "other files stand where its workers may read");
    assertEquals((await read()).value, 2);
    const again = await place.run("reload", "--unix", "mevent.sock");
    assertStringIncludes(again.stdout, "nothing");
  },
);

/** Runs a command for which the kernel has no Landlock: a filter of system calls refuses to make a ruleset. */
const WITHOUT_LANDLOCK = `import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
rules = [(0x20, 0, 0, 0), (0x15, 0, 1, 444), (0x06, 0, 0, 0x00050001), (0x06, 0, 0, 0x7fff0000)]
code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *rule) for rule in rules))
program = struct.pack("HxxxxxxP", len(rules), ctypes.addressof(code))
assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, program, 0, 0) == 0
os.execv(sys.argv[1], sys.argv[1:])
`;

executableTest(
  "where the kernel has no Landlock the server says so, and lets no plugin load a library",
  async () => {
    await using place = await Workplace.make({ "greedy.js": GREEDY, "mevent.toml": config("") });
    await using server = await place.serve("python3", "-c", WITHOUT_LANDLOCK);
    assertStringIncludes(server.stderr, "the system has no Landlock");
    await using client = await server.connect();
    assertEquals((await client.request("greedy", 1008, {})).value, "NotCapable");
    assertEquals((await client.request("greedy", 1009, {})).code, 14);
  },
);
