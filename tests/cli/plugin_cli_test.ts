import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { AuthorFolder } from "../support/author_folder.ts";
import { mevent } from "../support/mevent.ts";

Deno.test("plugin check tells all that a plugin says of itself", async () => {
  await using folder = await AuthorFolder.create();
  await folder.write(
    "full.js",
    `export default {
      name: "full", biz: 33, description: "has everything", concurrency: 4,
      commands: {
        1001: { name: "store", description: "stores a row", idempotent: true,
          params: { "~standard": { version: 1, vendor: "test", validate: (value) => ({ value }) } },
          run() {} },
        1002: { name: "read", run() {} },
      },
      timers: [{ name: "sweep", every: "10s", run() {} }, { name: "report", cron: "0 3 * * *", timeZone: "Europe/Berlin", run() {} }],
      start() { throw new Error("start is not to run"); }, stop() {}, health() {},
    };`,
  );
  const { code, stdout } = await mevent(["plugin", "check", `${folder.path}/full.js`]);
  assertEquals(code, 0, stdout);
  for (
    const line of [
      /plugin +full, biz 33/,
      /has everything/,
      /concurrency +4/,
      /1001 +store +stores a row; idempotent, params by a schema/,
      /1002 +read/,
      /sweep +every 10s/,
      /report +cron 0 3 \* \* \* Europe\/Berlin/,
      /hooks +start, stop, health/,
      /granted +read its own files/,
      /problems +none/,
    ]
  ) assertMatch(stdout, line);
});

Deno.test("plugin check tells what was asked for and refused, also where the plugin goes on without", async () => {
  await using folder = await AuthorFolder.create();
  await folder.write(
    "nosy.js",
    `import { readFileSync } from "node:fs";
    const quietly = (ask) => { try { ask(); } catch {} };
    quietly(() => readFileSync("/etc/passwd"));
    quietly(() => Deno.env.get("HOME"));
    try { await fetch("http://127.0.0.1:9/"); } catch {}
    export default { name: "nosy", commands: {} };`,
  );
  const path = `${folder.path}/nosy.js`;
  const { code, stdout } = await mevent(["plugin", "check", path, "--json"]);
  const report = JSON.parse(stdout);
  assertEquals([code, report.problems], [0, []]);
  assertEquals(report.refused, [
    { kind: "read", target: "/etc/passwd" },
    { kind: "env", target: "HOME" },
    { kind: "net", target: "127.0.0.1:9" },
  ]);
  assertStringIncludes((await mevent(["plugin", "check", path])).stdout, 'permissions = { env = ["HOME"] }');

  await folder.write(
    "nosy.toml",
    `[[plugin]]\nname = "nosy"\nmodule = "./nosy.js"\npermissions = { env = true, read = ["/etc/passwd"] }\n`,
  );
  const granted = await mevent(["plugin", "check", path, "--config", `${folder.path}/nosy.toml`, "--json"]);
  assertEquals(JSON.parse(granted.stdout).refused, [{ kind: "net", target: "127.0.0.1:9" }]);
  assertEquals(JSON.parse(granted.stdout).granted.env, true);
});

Deno.test("plugin check tells file, line and column of what is wrong, and exits 65", async () => {
  await using folder = await AuthorFolder.create();
  const sources: [string, number, number, RegExp][] = [
    ["export default {\n  name: ,\n};\n", 2, 9, /Expression expected|Unexpected token/],
    ["const price = 1;\n\nnever(price);\nexport default {};\n", 3, 1, /never is not defined/],
  ];
  for (const [source, line, column, message] of sources) {
    await folder.write("broken.js", source);
    const { code, stdout } = await mevent(["plugin", "check", `${folder.path}/broken.js`, "--json"]);
    const { plugin, problems: [problem] } = JSON.parse(stdout);
    assertEquals([code, plugin], [65, null]);
    assertMatch(problem.message, message);
    assertEquals([problem.file, problem.line, problem.column], [`${folder.path}/broken.js`, line, column]);
  }
  await folder.write("broken.js", "export default { name: 'x', commands: { 7: {} } };\n");
  const { code, stdout } = await mevent(["plugin", "check", `${folder.path}/broken.js`]);
  assertEquals(code, 65);
  assertMatch(stdout, /plugin +does not load[\s\S]*command 7 is not a number from 1001 to 65535/);
  await folder.write("broken.js", "export default { name: '7', commands: {} };\n");
  const named = await mevent(["plugin", "check", `${folder.path}/broken.js`]);
  assertEquals(named.code, 65);
  assertStringIncludes(
    named.stdout,
    "its name cannot be used: expected a name of 1 to 64 bytes, not a number",
  );
  await folder.write(
    "broken.js",
    'import { openPlugin } from "mevent/testing";\nexport default { openPlugin };\n',
  );
  const tested = await mevent(["plugin", "check", `${folder.path}/broken.js`]);
  assertEquals(tested.code, 65);
  assertMatch(tested.stdout, /broken\.js:1:\d+: only test files import "mevent\/testing"/);
  const absent = await mevent(["plugin", "check", `${folder.path}/absent.js`]);
  assertEquals(absent.code, 65);
  assertStringIncludes(absent.stdout, "absent.js");
});

Deno.test("plugin check gives up a module that never ends loading", async () => {
  await using folder = await AuthorFolder.create();
  await folder.write(
    "hangs.js",
    "await new Promise(() => setInterval(() => {}, 1000));\nexport default {};\n",
  );
  const { code, stdout } = await mevent(["plugin", "check", `${folder.path}/hangs.js`, "--timeout", "300ms"]);
  assertEquals(code, 65);
  assertStringIncludes(stdout, "it has not loaded within 300 ms");
});

Deno.test("plugin check --start runs start, and tells what it throws", async () => {
  await using folder = await AuthorFolder.create();
  await folder.write(
    "starts.js",
    `export default {
      name: "starts", commands: {},
      start({ config }) { if (config.ok !== true) throw new Error("config.ok is missing"); },
    };`,
  );
  await folder.write(
    "starts.toml",
    '[[plugin]]\nname = "starts"\nmodule = "./starts.js"\n[plugin.config]\nok = true\n',
  );
  const path = `${folder.path}/starts.js`;
  assertEquals((await mevent(["plugin", "check", path])).code, 0);
  const { code, stdout } = await mevent(["plugin", "check", path, "--start"]);
  assertEquals(code, 65);
  assertStringIncludes(stdout, "config.ok is missing");
  const config = `${folder.path}/starts.toml`;
  assertEquals((await mevent(["plugin", "check", path, "--start", "--config", config])).code, 0);
});

Deno.test("plugin run prints what send prints, and exits as it does", async () => {
  const { code, stdout, stderr } = await mevent([
    "plugin",
    "run",
    "builtin:echo",
    "--cmd",
    "1001",
    "uid:=1234567890123456789",
  ]);
  assertEquals([code, stdout], [0, '{"uid":1234567890123456789}\n']);
  assertMatch(stderr, /^1000 REP_OK in [\d.]+ ms\n$/);
  const refused = await mevent(["plugin", "run", "builtin:echo", "--cmd", "1003", "--json", "{}"]);
  assertEquals(refused.code, 65);
  assertMatch(refused.stderr, /^23 REP_ERR_BADPARAM.*param "ms" is missing/);
  const unknown = await mevent(["plugin", "run", "builtin:nothing", "--cmd", "1001"]);
  assertEquals(unknown.code, 78);
  assertStringIncludes(unknown.stderr, "there is no built-in plugin builtin:nothing");
  assertEquals((await mevent(["plugin", "run", "builtin:echo"])).code, 64);
  assertEquals((await mevent(["plugin", "run", "--cmd", "1001"])).code, 64);
});

Deno.test("plugin run gives a plugin the config and the permissions of its table", async () => {
  await using folder = await AuthorFolder.create();
  await folder.write(
    "reads.js",
    `export default {
      name: "reads",
      commands: { 1001: { name: "read", run: ({ config }) => Deno.readTextFile(config.file) } },
    };`,
  );
  await using elsewhere = await AuthorFolder.create();
  await elsewhere.write("note.txt", "beside");
  const table = (name: string, permissions: string) =>
    `[[plugin]]\nname = "${name}"\nmodule = "./reads.js"\npermissions = { ${permissions} }\n` +
    `[plugin.config]\nfile = "${elsewhere.path}/note.txt"\n`;
  await folder.write("reads.toml", table("may", `read = ["${elsewhere.path}"]`) + table("may_not", ""));
  const run = (...args: string[]) =>
    mevent([
      ...["plugin", "run", `${folder.path}/reads.js`, "--cmd", "1001"],
      ...["--config", `${folder.path}/reads.toml`, ...args],
    ]);
  assertEquals((await run("--name", "may")).stdout, '"beside"\n');
  const refused = await run("--name", "may_not");
  assertEquals(refused.code, 1);
  assertStringIncludes(refused.stderr, "note.txt");
  const unsaid = await run();
  assertEquals(unsaid.code, 78);
  assertStringIncludes(unsaid.stderr, "say which with --name");
  const other = await mevent([
    ...["plugin", "run", "builtin:echo", "--cmd", "1001", "--config", `${folder.path}/reads.toml`],
  ]);
  assertEquals(other.code, 78);
  assertStringIncludes(other.stderr, "has no [[plugin]] with module builtin:echo; it has may (file:///");
});

Deno.test("plugin run --async waits until the operation is done, and tells where it has failed", async () => {
  await using folder = await AuthorFolder.create();
  await folder.write(
    "slow.js",
    `export default {
      name: "slow",
      commands: {
        1001: { name: "write", async run({ log, sync }) {
          await new Promise((resolve) => setTimeout(resolve, 50));
          log.warn("written", { sync });
        } },
        1002: { name: "fail", run() { throw new Error("the disk is full"); } },
      },
    };`,
  );
  const run = (command: string) =>
    mevent(["plugin", "run", `${folder.path}/slow.js`, "--cmd", command, "--async"]);
  const done = await run("1001");
  assertEquals([done.code, done.stdout], [0, ""]);
  assertMatch(done.stderr, /queued\n.*written.*sync=false/);
  const failed = await run("1002");
  assertEquals(failed.code, 1);
  assertStringIncludes(failed.stderr, "the disk is full");
});

Deno.test("plugin test tells each test, each failure with its stack, and how many there were", async () => {
  await using folder = await AuthorFolder.create();
  await folder.write(
    "some_test.js",
    `import assert from "node:assert/strict";
import { test } from "mevent/testing";
test("passes", () => {});
test("fails", () => assert.equal(1, 2));
test("hangs", () => new Promise(() => {}));
test("lets one escape", async () => {
  Promise.reject(new Error("nobody awaits it"));
  await new Promise(() => {});
});
`,
  );
  await folder.write("broken_test.js", 'throw new Error("it does not load");\n');
  const files = [`${folder.path}/some_test.js`, `${folder.path}/broken_test.js`];
  const { code, stdout } = await mevent(["plugin", "test", ...files, "--timeout", "2s"]);
  assertEquals(code, 1);
  assertMatch(stdout, /^ {2}passes \.\.\. ok \(\d+ ms\)$/m);
  assertMatch(stdout, /^ {2}fails \.\.\. FAILED/m);
  assertMatch(stdout, /some_test\.js: fails\nAssertionError[\s\S]*some_test\.js:4:/);
  assertMatch(stdout, /some_test\.js: hangs\nError: it has not ended after 2000 ms/);
  assertMatch(stdout, /some_test\.js: lets one escape\nError: nobody awaits it/);
  assertMatch(stdout, /broken_test\.js: \(the file\)\nError: it does not load/);
  assert(stdout.endsWith("\n1 passed, 4 failed\n"), stdout);
  const none = await mevent(["plugin", "test", files[0]!, "--filter", "nothing"]);
  assertEquals(none.code, 64);
  assertStringIncludes(none.stderr, 'no test has a name with "nothing" in it');
});

Deno.test("plugin list says of plugins that are made from their config what they need", async () => {
  const { code, stdout } = await mevent(["plugin", "list"]);
  assertEquals(code, 0);
  assertMatch(stdout, /^builtin:kv +- +6 {2}keeps texts/m);
  assertMatch(stdout, /^builtin:sql +- +- {2}needs its config: config\.url/m);
  const { builtin } = JSON.parse((await mevent(["plugin", "list", "--json"])).stdout);
  const exec = builtin.find(({ module }: { module: string }) => module === "builtin:exec");
  assertEquals([exec.commands, exec.needs.startsWith("config.command is missing")], [null, true]);
});

Deno.test("plugin is a group: alone it tells its commands, and a wrong one has its nearest named", async () => {
  const alone = await mevent(["plugin"]);
  assertEquals([alone.code, alone.stdout], [64, ""]);
  const help = await mevent(["plugin", "--help"]);
  assertEquals([help.code, help.stdout], [0, alone.stderr]);
  assertEquals((await mevent(["help", "plugin"])).stdout, help.stdout);
  assertEquals(
    (await mevent(["help", "plugin", "new"])).stdout,
    (await mevent(["plugin", "new", "--help"])).stdout,
  );
  assertEquals(await mevent(["plugin", "nwe"]), {
    code: 64,
    stdout: "",
    stderr:
      'mevent plugin: unknown command "plugin nwe"; did you mean plugin new?\nTry: mevent help plugin\n',
  });
  assertStringIncludes((await mevent(["plugin", "run", "--jsn"])).stderr, "Try: mevent help plugin run\n");
});
