import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { parse } from "smol-toml";
import { LISTENER_DEFAULTS, SERVER_DEFAULTS } from "../../src/config/defaults.ts";
import { loadConfig } from "../../src/config/load.ts";
import { mevent, type Outcome } from "../support/mevent.ts";
import { ModuleFolder } from "../support/module_folder.ts";
import { TestServer } from "../support/test_server.ts";

const MAIN = new URL("../../main.ts", import.meta.url).pathname;
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** A command in a process of its own, in a folder: what is relative is relative to that. */
async function meventIn(folder: string, args: string[], env: Record<string, string> = {}): Promise<Outcome> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", MAIN, ...args],
    cwd: folder,
    env: { ...env, NO_COLOR: "1" },
    stdin: "null",
  }).output();
  return { code, stdout: decode(stdout), stderr: decode(stderr) };
}

const PLUGIN = 'export default { name: "p", commands: { 1001: { name: "a", run() {} } } };\n';

/** Lines without the name of the folder. */
function linesOf({ stdout }: Outcome, folder: string): string[] {
  return stdout.trimEnd().split("\n").map((line) => line.replaceAll(`${folder}/`, ""));
}

Deno.test("check tells all that is wrong with a config at once: keys, modules, grants, names and addresses", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await using folder = await ModuleFolder.make({
    "p.js": PLUGIN,
    "misspelt.js": PLUGIN.replace("run()", "idempotnt: true, run()"),
    "broken.js": "export default {",
    "file": "no socket",
    "mevent.toml": `[server]
tcp = ["127.0.0.1:0", "127.0.0.1:${taken.addr.port}", "192.0.2.1:1"]
udp = ""
max_fram = "4 KiB"
unix = ["file", "none/such.sock", "fresh.sock", "g.sock?group=no-such-group"]
[[plugin]]
name = "first"
module = "./p.js"
wokers = 2
[[plugin]]
name = "gone"
module = "./gone.js"
[[plugin]]
name = "broken"
module = "./broken.js"
[[plugin]]
name = "misspelt"
module = "./misspelt.js"
[plugin.config]
retry = 3
[[plugin]]
name = "hook"
module = "builtin:webhook"
config.endpoints.a.url = "https://example.com"
[[plugin]]
name = "db"
module = "builtin:sql"
[plugin.config]
url = "sqlite:./x.db"
tabels = []
[[plugin]]
name = "kv"
biz = 7
module = "builtin:kv"
config.snapshot = "./kv.snapshot"
[[plugin]]
name = "exec"
biz = 8
module = "builtin:exec"
config = { command = ["python3"], commands = { 1001 = "a" } }
[[plugin]]
name = "twice"
biz = 8
module = "builtin:echo"
`,
  });
  const env = { MEVENT_LOG_LEVEL: "loud", MEVENT_PORT: "tcp://10.0.0.1:1", MEVENT_ALLOW: "192.0.2.0/24" };
  const outcome = await meventIn(folder.path, ["check"], env);
  assertEquals(outcome.code, 78);
  const lines = linesOf(outcome, folder.path);
  const told: readonly RegExp[] = [
    /^mevent\.toml:4:1: server\.max_fram: unknown key; did you mean max_frame\?$/,
    /^mevent\.toml:9:1: plugin\[0\]\.wokers: unknown key; did you mean workers\?$/,
    /^mevent\.toml:43:7: plugin\[8\]\.biz: 8 stands at plugin\[7\]\.biz \(line 38\) already$/,
    /^environment: MEVENT_LOG_LEVEL: expected/,
    /^warning: environment: MEVENT_PORT: as Kubernetes sets/,
    /^warning: mevent\.toml:20:1: plugin\[3\]\.config\.retry .* under mevent\.toml:16:1$/,
    /^mevent\.toml:12:10: plugin gone: .*gone\.js: there is no such file/,
    /^mevent\.toml:15:10: plugin broken: .*broken\.js:1:/,
    /^warning: mevent\.toml:18:10: plugin misspelt: .*misspelt\.js:1:\d+: command 1001 has no member `idempotnt`/,
    /^mevent\.toml:23:10: plugin hook: .* permissions = \{ net = \["example\.com:443"\] \}$/,
    /^mevent\.toml:30:1: plugin db: config has no key "tabels"; did you mean tables\?$/,
    /^mevent\.toml:34:10: plugin kv: .* permissions = \{ read = \["\."\], write = \["\."\] \}$/,
    /^mevent\.toml:39:10: plugin exec: .* permissions = \{ run = \["python3"\] \}$/,
    /^warning: mevent\.toml:2:23: server\.tcp\[1\]: cannot listen on tcp 127\.0\.0\.1:\d+: the address is in use/,
    /^mevent\.toml:2:\d+: server\.tcp\[2\]: cannot listen on tcp 192\.0\.2\.1:1: this machine has no such address$/,
    /^mevent\.toml:5:9: server\.unix\[0\]: cannot listen on unix file: a file that is no socket has this path$/,
    /^mevent\.toml:5:17: server\.unix\[1\]: cannot listen on unix none\/such\.sock: the socket's folder is not there$/,
    /^mevent\.toml:5:49: server\.unix\[3\]: cannot listen on unix g\.sock: there is no group no-such-group in/,
  ];
  for (const pattern of told) {
    assert(lines.some((line) => pattern.test(line)), `${pattern}\n${outcome.stdout}`);
  }
  assertMatch(lines.at(-1)!, /^mevent\.toml cannot be used: 14 problems, 4 warnings$/);
  assertEquals([...Deno.readDirSync(folder.path)].filter(({ name }) => name.endsWith(".sock")), []);

  await folder.write("mevent.toml", '[server]\n\n\nmax_fram = "4 KiB"\n');
  const json = JSON.parse((await meventIn(folder.path, ["check", "--json"])).stdout);
  assertEquals(json.config, "mevent.toml");
  const found = json.findings.find(({ key }: { key: string }) => key === "server.max_fram");
  assertEquals([found.severity, found.file, found.line, found.column], ["error", "mevent.toml", 4, 1]);
});

Deno.test("check takes a config that is right with 0, and warnings do not change that", async () => {
  await using folder = await ModuleFolder.make({
    "p.js": PLUGIN,
    "a.toml":
      '[server]\ntcp = "127.0.0.1:0"\nudp = "127.0.0.1:0"\n[[plugin]]\nname = "p"\nmodule = "./p.js"\n',
    "b.toml": "[server\n",
  });
  const right = await mevent(["check", "--config", `${folder.path}/a.toml`], {
    env: { MEVENT_PORT: "tcp://a:1" },
  });
  assertEquals(right.code, 0);
  assertMatch(right.stdout, /a\.toml can be used: 1 plugin, 2 addresses; 1 warning\n$/);
  const flagged = await mevent(["check", "--config", `${folder.path}/a.toml`, "--max-frame", "1"]);
  assertEquals([flagged.code, flagged.stdout.split("\n")[0]!.slice(0, 23)], [78, "command line: max_frame"]);
  const broken = await mevent(["check", "--config", `${folder.path}/b.toml`]);
  assertEquals(broken.code, 78);
  assertMatch(
    broken.stdout,
    /b\.toml:1:8: is not TOML: .*\n.*b\.toml cannot be used: 1 problem, 0 warnings\n$/,
  );
  const missing = await mevent(["check", "--config", `${folder.path}/none.toml`]);
  assertEquals([missing.code, missing.stdout.includes("none.toml: cannot be read")], [78, true]);
  const bare = await mevent(["check", "--config", "none", "--listen", "127.0.0.1:0", "--no-udp"]);
  assertEquals([bare.code, bare.stdout], [
    0,
    "a server without a config can be used: 2 plugins, 1 address\n",
  ]);
});

Deno.test("a built-in plugin's config is told all its problems at once, each by its own line", async () => {
  await using folder = await ModuleFolder.make({
    "w.toml": `[server]
tcp = ""
udp = ""
unix = "w.sock"
[[plugin]]
name = "hook"
module = "builtin:webhook"
[plugin.config]
max_response = "1 TiB"
breaker_failures = -1
colour = 1
[plugin.config.endpoints.a]
url = "https://x"
timeout = "nope"
methd = "PUT"
[[plugin]]
name = "exec"
module = "builtin:exec"
config = { command = ["x"], commands = { 1001 = "a" }, max_lin = "1 KiB", stop_timeout = "1d" }
[[plugin]]
name = "kv"
module = "builtin:kv"
config.intervall = "1m"
`,
  });
  const outcome = await meventIn(folder.path, ["check", "--config", "w.toml"]);
  assertEquals(outcome.code, 78);
  assertEquals(
    linesOf(outcome, folder.path).map((line) => line.replace(/( is to be|; it has) .*/, "$1")).toSorted(),
    [
      "w.toml cannot be used: 8 problems, 0 warnings",
      'w.toml:11:1: plugin hook: config has no key "colour"; it has',
      "w.toml:14:11: plugin hook: config.endpoints.a.timeout is to be",
      'w.toml:15:1: plugin hook: config.endpoints.a has no key "methd"; did you mean method?',
      "w.toml:19:90: plugin exec: config.stop_timeout is to be",
      'w.toml:19:56: plugin exec: config has no key "max_lin"; did you mean max_line?',
      'w.toml:23:8: plugin kv: config has no key "intervall"; did you mean interval?',
      "w.toml:9:16: plugin hook: config.max_response is to be",
      "w.toml:10:20: plugin hook: config.breaker_failures is to be",
    ].toSorted(),
  );
});

const SHOP = `[server]
max_frame = "8 KiB"
[[listener]]
unix = "a.sock"
[[plugin]]
name = "shop"
module = "builtin:echo"
retry = { max_attempts = 3 }
[plugin.config]
url = "postgres://u:hidden@h/d"
rows = [{ a = 1, token = "hidden" }, { "b c" = [true, "\\u007f\\t\\""] }]
api_key = "hidden"
password_file = "/etc/shown"
headers.authorization = "hidden"
`;

Deno.test("config prints every key with its value and where it comes from, as a config that means the same", async () => {
  await using folder = await ModuleFolder.make({ "shop.toml": SHOP });
  const file = `${folder.path}/shop.toml`;
  const run = (...args: string[]) =>
    mevent(["config", "--config", file, "--set", "max_depth=7", ...args], {
      env: { MEVENT_TCP: "127.0.0.1:1, [::1]:2" },
    });
  const { code, stdout } = await run();
  assertEquals(code, 0);
  const lines = stdout.split("\n").map((line) => line.replace(/ +#/, " #").replace(`${folder.path}/`, ""));
  for (
    const line of [
      'tcp = ["127.0.0.1:1", "[::1]:2"] # MEVENT_TCP',
      'max_frame = "8 KiB" # shop.toml:2:1',
      "max_depth = 7 # command line",
      'udp = "127.0.0.1:26000" # default',
      "[[listener]]",
      'unix = "a.sock" # shop.toml:4:1',
      "async_reply = true # default",
      'name = "shop" # shop.toml:6:1',
      "# biz = # default",
      "retry.max_attempts = 3 # shop.toml:8:11",
      'retry.backoff = "1s" # default',
      'config.url = "postgres://u:***@h/d" # shop.toml:10:1',
      'config.rows = [{ a = 1, token = "***" }, { "b c" = [true, "\\u007F\\t\\""] }] # shop.toml:11:1',
      'config.api_key = "***" # shop.toml:12:1',
      'config.password_file = "/etc/shown" # shop.toml:13:1',
      'config.headers.authorization = "***" # shop.toml:14:9',
    ]
  ) assert(lines.includes(line), `${line}\n${stdout}`);
  assert(!stdout.includes("hidden"));
  const keys = Object.keys(parse(stdout)["server"] as Record<string, unknown>);
  assertEquals(keys, Object.keys(SERVER_DEFAULTS));

  // What is printed with its secrets is the same config.
  const open = (await run("--secrets")).stdout;
  const same = (text: string, flags: Record<string, unknown>, env: Record<string, string>) => {
    const { server, listeners, plugins } = loadConfig({ file, text, env, flags });
    return { server, listeners, plugins };
  };
  assertEquals(same(open, {}, {}), same(SHOP, { max_depth: "7" }, { MEVENT_TCP: "127.0.0.1:1, [::1]:2" }));
  assertEquals(
    loadConfig({ file, text: (await mevent(["config", "--config", "none"])).stdout, env: {}, flags: {} })
      .plugins.length,
    2,
  );
  await folder.write("empty.toml", "plugin = []\n");
  const empty = (await mevent(["config", "--config", `${folder.path}/empty.toml`])).stdout;
  assertEquals(loadConfig({ file, text: empty, env: {}, flags: {} }).plugins, []);

  const json = JSON.parse((await run("--json")).stdout);
  const key = (name: string) => json.keys.find((each: { key: string }) => each.key === name);
  assertEquals(key("server.max_frame"), {
    key: "server.max_frame",
    value: "8 KiB",
    origin: "file",
    place: `${file}:2:1`,
  });
  assertEquals([key("server.tcp").origin, key("server.max_depth").origin], ["environment", "flag"]);
  assertEquals([key("plugin[0].retry.max_backoff").origin, key("plugin[0].biz").value], ["default", null]);
  assertEquals(key("listener[0].async_reply").value, LISTENER_DEFAULTS.async_reply);
  assertEquals((await mevent(["config", "--config", "none", "--max-frame", "1"])).code, 64);
});

Deno.test("config --example and help TOPIC print the documents, and help lists them", async () => {
  const read = (name: string) => Deno.readTextFile(new URL(`../../${name}`, import.meta.url));
  assertEquals(await mevent(["config", "--example"]), {
    code: 0,
    stdout: await read("config.example.toml"),
    stderr: "",
  });
  const { stdout } = await mevent(["help"]);
  for await (const { name, isFile } of Deno.readDir(new URL("../../docs/", import.meta.url))) {
    if (!isFile) continue;
    const topic = name.replace(/\.md$/, "");
    assertMatch(stdout, new RegExp(`^  ${topic} +\\S`, "m"));
    const [text, printed] = [await read(`docs/${name}`), (await mevent(["help", topic])).stdout];
    assert(printed.endsWith(text) && printed.includes(`${text.split("\n")[0]}\n`), topic);
  }
  // What is a command, too, tells of that first.
  const both = (await mevent(["help", "config"])).stdout;
  assertEquals(both, `${(await mevent(["config", "--help"])).stdout}\n${await read("config.example.toml")}`);
  assertEquals((await mevent(["help", "readme"])).stdout, await read("README.md"));
  const wrong = await mevent(["help", "protocl"]);
  assertEquals([wrong.code, wrong.stderr.split("\n")[0]], [
    64,
    'mevent help: unknown command "protocl"; did you mean protocol?',
  ]);
});

Deno.test("commands take the mevent.toml of their folder and say so, unless another or none is named", async () => {
  await using folder = await ModuleFolder.make({
    "p.js": PLUGIN,
    "mevent.toml":
      '[server]\ntcp = ""\nudp = ""\nunix = "a.sock"\nlog_level = "info"\n[[plugin]]\nname = "mine"\nmodule = "./p.js"\nwokers = 1\n',
    "other.toml": '[[plugin]]\nname = "other"\nmodule = "./p.js"\n',
    "none": "",
  });
  const found = "the config is ./mevent.toml, which stands in this folder; --config none goes without";
  const serve = await meventIn(folder.path, ["serve"]);
  assertEquals([serve.code, serve.stdout], [78, ""]);
  assertStringIncludes(serve.stderr, "mevent.toml:9:1: plugin[0].wokers: unknown key");
  await folder.write(
    "mevent.toml",
    (await Deno.readTextFile(`${folder.path}/mevent.toml`)).replace("wokers", "workers"),
  );

  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", MAIN, "serve", "--log-format", "text"],
    cwd: folder.path,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let banner = "";
  while (!banner.includes("Next:")) {
    const { value, done } = await reader.read();
    assert(!done, banner);
    banner += value;
  }
  child.kill("SIGTERM");
  while (!(await reader.read()).done);
  assertStringIncludes(await new Response(child.stderr).text(), found);
  assertEquals((await child.status).code, 0);
  assertMatch(banner, /unix a\.sock[\s\S]*mine/);

  const config = await meventIn(folder.path, ["config"]);
  assertEquals(config.stderr, `mevent config: ${found}\n`);
  assertStringIncludes(config.stdout, "# mevent.toml:4:1");
  assertEquals(
    (await meventIn(folder.path, ["check"])).stdout,
    "mevent.toml can be used: 1 plugin, 1 address\n",
  );
  const list = await meventIn(folder.path, ["plugin", "list"]);
  assertStringIncludes(list.stdout, "mine");
  assertStringIncludes(list.stderr, found);
  assertStringIncludes((await meventIn(folder.path, ["plugin", "check", "p.js"])).stderr, found);
  // A plugin that it says nothing of goes without it.
  const echo = await meventIn(folder.path, ["plugin", "check", "builtin:echo"]);
  assertEquals([echo.code, echo.stderr], [0, ""]);

  for (const [args, env] of [[["--config", "none"], {}], [[], { MEVENT_CONFIG: "none" }]] as const) {
    const none = await meventIn(folder.path, ["config", ...args], env);
    assertEquals([none.code, none.stderr, none.stdout.includes("mevent.toml")], [0, "", false]);
  }
  const named = await meventIn(folder.path, ["plugin", "list", "--json"], { MEVENT_CONFIG: "other.toml" });
  assertEquals(JSON.parse(named.stdout).configured.map(({ name }: { name: string }) => name), ["other"]);
});

Deno.test("serve and reload say where in the config each plugin stands that does not load, and each wrong key of its own config", async () => {
  await using folder = await ModuleFolder.make({
    "p.js": PLUGIN,
    "mevent.toml": `[server]
tcp = ""
udp = ""
unix = "a.sock"
control = "none"
[[plugin]]
name = "hook"
module = "builtin:webhook"
[plugin.config.endpoints.billing]
url = "ftp://x"
[[plugin]]
name = "db"
module = "builtin:sql"
[plugin.config]
url = "sqlite:./a"
tables = ["a"]
synchronus = "full"
"a b" = 1
[[plugin]]
name = "bad"
module = "./bad.js"
`,
    "bad.js": 'export default {\n  name: "bad",\n  commands: { 1: { name: "a", run() {} } },\n};\n',
  });
  const places = [
    /mevent\.toml:10:7: plugin hook does not load: config\.endpoints\.billing\.url is to be a URL/,
    /mevent\.toml:17:1: plugin db does not load: config has no key "synchronus"; did you mean synchronous\?/,
    /mevent\.toml:18:1: config has no key "a b"; it has/,
    /mevent\.toml:21:10: plugin bad does not load: \S+bad\.js:3:15: command 1 is not a number/,
  ];
  const { code, stderr } = await meventIn(folder.path, ["serve"]);
  assertEquals(code, 78);
  for (const place of places) assertMatch(stderr, place);
  const file = `${folder.path}/mevent.toml`;
  await using server = await TestServer.start({ plugins: [{ name: "echo" }] });
  const error = await assertRejects(() => server.server.reload(loadConfig({ file, env: {}, flags: {} })));
  for (const place of places) assertMatch((error as Error).message, place);
});
