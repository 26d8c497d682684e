import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import fc from "fast-check";
import { formatAddress, parseAddress } from "../../src/config/address.ts";
import { ConfigError } from "../../src/config/config_error.ts";
import { DEFAULT_PLUGINS, SERVER_DEFAULTS } from "../../src/config/defaults.ts";
import { loadConfig } from "../../src/config/load.ts";
import {
  formatBytes,
  formatDuration,
  MAX_DURATION,
  parseBytes,
  parseDuration,
} from "../../src/config/units.ts";

const EXAMPLE = "config.example.toml";

function loadText(text: string, env: Record<string, string> = {}, flags: Record<string, unknown> = {}) {
  const file = Deno.makeTempFileSync({ suffix: ".toml" });
  try {
    Deno.writeTextFileSync(file, text);
    return loadConfig({ file, env, flags });
  } finally {
    Deno.removeSync(file);
  }
}

/** The problems of a file that must not load, without the file's name: `LINE:COLUMN: …`. */
function problemsIn(
  text: string,
  env: Record<string, string> = {},
  flags: Record<string, unknown> = {},
): string[] {
  const error = assertThrows(() => loadText(text, env, flags), ConfigError);
  assertEquals(error.message.split("\n").length, error.problems.length);
  return error.problems.map((problem) => problem.replace(/^\/\S+\.toml:/, ""));
}

/** How a listener is of which nothing is said of its callers. */
const ANYBODY = { charset: "utf-8", allow: [], auth: "none" } as const;

Deno.test("durations are read in every unit and written in the largest whole one", () => {
  assertEquals(["500ms", "30s", "1m", "1h", "1.5s", "2 m", "0", 0].map(parseDuration), [
    500,
    30_000,
    60_000,
    3_600_000,
    1500,
    120_000,
    0,
    0,
  ]);
  assertEquals([500, 30_000, 90_000, 3_600_000, 0].map(formatDuration), ["500ms", "30s", "90s", "1h", "0"]);
});

Deno.test("a duration without a unit, too long or of another kind is refused with what was expected", () => {
  for (
    const wrong of ["30", 30, "", "s", "-1s", "1d", "1e3s", "0.5ms", "597h", "1s ", true, null, undefined, []]
  ) {
    assertThrows(() => parseDuration(wrong), ConfigError, "expected a duration with its unit");
  }
});

Deno.test("sizes are read in every unit and as plain bytes", () => {
  assertEquals(["64 KiB", "256MiB", "1 GiB", "1.5 KiB", "10 B", "65536", 65536, 0].map(parseBytes), [
    65_536,
    268_435_456,
    1_073_741_824,
    1536,
    10,
    65_536,
    65_536,
    0,
  ]);
  for (
    const wrong of ["64 KB", "64 kib", "-1", -1, 1.5, "1.5", "", "0.3 KiB", 2 ** 60, "9999999999999 GiB", NaN]
  ) {
    assertThrows(() => parseBytes(wrong), ConfigError, "expected a size");
  }
});

Deno.test("what a duration or a size is written as reads back as the same", () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: MAX_DURATION }), (milliseconds) => {
    assertEquals(parseDuration(formatDuration(milliseconds)), milliseconds);
  }));
  fc.assert(fc.property(fc.integer({ min: 0, max: 2 ** 48 }), (size) => {
    assertEquals(parseBytes(formatBytes(size)), size);
  }));
});

Deno.test("addresses are read with host, IPv6 host and without host", () => {
  assertEquals(parseAddress("localhost:0"), { hostname: "localhost", port: 0 });
  assertEquals(parseAddress("[::1]:26000"), { hostname: "::1", port: 26_000 });
  assertEquals(parseAddress(":26000"), { hostname: "0.0.0.0", port: 26_000 });
  assertEquals(formatAddress(parseAddress("[::1]:1")), "[::1]:1");
  for (
    const wrong of [
      "127.0.0.1",
      "26000",
      "a:65536",
      "::1:26000",
      "[]:1",
      "http://a:1",
      "a b:1",
      "",
      26_000,
      null,
    ]
  ) {
    assertThrows(() => parseAddress(wrong), ConfigError, "expected an address");
  }
});

Deno.test("without file, environment and flags the default is TCP and UDP on port 26000 with skeleton and echo", () => {
  const config = loadConfig({ env: { HOME: "/" }, flags: {} });
  const inet = {
    hostname: "127.0.0.1",
    port: 26_000,
    asyncReply: true,
    legacy: false,
    ...ANYBODY,
    tls: null,
    cors: [],
    httpHosts: [],
    admin: "off",
  } as const;
  assertEquals(config.listeners, [{ transport: "tcp", ...inet }, { transport: "udp", ...inet }]);
  assertEquals(config.plugins.map(({ name, biz, module }) => ({ name, biz, module })), [...DEFAULT_PLUGINS]);
  assertEquals(config.server, {
    maxFrame: 65_536,
    maxConnections: 10_000,
    maxConnectionsPerAddress: 5_000,
    maxInFlight: 4096,
    maxUnreadReplyBytes: 1_048_576,
    slowReaderTimeout: 30_000,
    frameTimeout: 30_000,
    handshakeTimeout: 10_000,
    idleTimeout: 0,
    keepAliveTimeout: 75_000,
    udpReplyRatio: 3,
    udpLoopbackRatio: 0,
    maxUdpErrors: 1_000,
    allow: [],
    auth: "none",
    authTimeout: 5000,
    maxLoginFailures: 10,
    loginDelay: 1000,
    ratePerAddress: null,
    drainTimeout: 30_000,
    maxQueueBytes: 1_073_741_824,
    data: "",
    maxDisk: 10 * 2 ** 30,
    maxDepth: 64,
    maxKeys: 100_000,
    forward: [],
    forwardTimeout: 30_000,
    control: "auto",
    controlTcp: [],
    realtime: false,
    history: true,
    maxLogLines: 1_000,
    audit: "",
    logLevel: "info",
    logFormat: "auto",
  });
  assertEquals(new Set(config.origins.values()), new Set(["default"]));
  assertEquals([config.file, config.warnings], [undefined, []]);
});

Deno.test("flags go before the environment, it before the file, the file before the defaults, and origins say so", () => {
  const config = loadText(
    '[server]\nmax_frame = "4 KiB"\nmax_in_flight = 7\nmax_connections = 8\n',
    {
      MEVENT_MAX_FRAME: "5 KiB",
      MEVENT_MAX_IN_FLIGHT: "9",
      MEVENT_UDP: "",
      MEVENT_TCP: ":1, :2",
      MEVENT_INSECURE: "1",
    },
    { max_frame: "6 KiB", async_reply: "false" },
  );
  const { maxFrame, maxInFlight, maxConnections, maxQueueBytes } = config.server;
  assertEquals([maxFrame, maxInFlight, maxConnections, maxQueueBytes], [6144, 9, 8, 2 ** 30]);
  const origins = ["max_frame", "max_in_flight", "udp", "max_connections", "log_level"];
  assertEquals(origins.map((key) => config.origins.get(key)), [
    "flag",
    "environment",
    "environment",
    "file",
    "default",
  ]);
  assertEquals(config.listeners, [
    {
      transport: "tcp",
      hostname: "0.0.0.0",
      port: 1,
      asyncReply: false,
      legacy: false,
      ...ANYBODY,
      tls: null,
      cors: [],
      httpHosts: [],
      admin: "off",
    },
    {
      transport: "tcp",
      hostname: "0.0.0.0",
      port: 2,
      asyncReply: false,
      legacy: false,
      ...ANYBODY,
      tls: null,
      cors: [],
      httpHosts: [],
      admin: "off",
    },
  ]);
});

Deno.test("every key of [server] has a variable, and wrong values name it", () => {
  for (const [key, value] of Object.entries(SERVER_DEFAULTS)) {
    const { origins } = loadConfig({ env: { [`MEVENT_${key.toUpperCase()}`]: String(value) }, flags: {} });
    assertEquals(origins.get(key), "environment");
  }
  assertEquals(problemsIn("", { MEVENT_LOG_LEVEL: "loud", MEVENT_TCP: "tcp://127.0.0.1:1" }).toReversed(), [
    'environment: MEVENT_LOG_LEVEL: expected "debug", "info", "warn", "error", got "loud"',
    'environment: MEVENT_TCP: expected an address such as "127.0.0.1:26000", "[::1]:26000" or ":26000", ' +
    'got "tcp://127.0.0.1:1"',
  ]);
});

Deno.test("MEVENT_CONFIG names the file, and the file given goes before it", () => {
  const file = Deno.makeTempFileSync({ suffix: ".toml" });
  try {
    Deno.writeTextFileSync(file, "[server]\nmax_in_flight = 5\n");
    assertEquals(loadConfig({ env: { MEVENT_CONFIG: file }, flags: {} }).server.maxInFlight, 5);
    assertEquals(loadConfig({ env: { MEVENT_CONFIG: "" }, flags: {} }).file, undefined);
    assertEquals(loadConfig({ file: EXAMPLE, env: { MEVENT_CONFIG: file }, flags: {} }).file, EXAMPLE);
  } finally {
    Deno.removeSync(file);
  }
});

Deno.test("a file that cannot be read or is not TOML is named", () => {
  const missing = () => loadConfig({ file: "no/such.toml", env: {}, flags: {} });
  assertThrows(missing, ConfigError, "no/such.toml: cannot be read: ");
  const [problem] = problemsIn("[server\n");
  assertStringIncludes(problem ?? "", "1:8: is not TOML: illegal character in key; the line ends here");
});

Deno.test("all problems of all sources come in one message, each with its key path and what stood there", () => {
  const text = `
    [servr]
    [server]
    max_frame = "4095 B"
    max_conections = 1
    tcp = 26000
    drain_timeout = 30
    [[listener]]
    tcp = "127.0.0.1:1"
    unix = "x"
    [[plugin]]
    name = "a"
    module = "./a.ts"
    [[plugin]]
    biz = 0
    module = "https://example.com/a.ts"
    workers = 1.5
    queue = { max_ops = "many", max_opz = 1 }
    cache = 3
    permissions = { net = [5432] }
    timeout = "0"
    expose_trace = "yes"
    [plugin.config]
    since = 2020-01-01
  `;
  assertEquals(problemsIn(text, {}, { max_fraem: "1" }), [
    "2:5: servr: unknown key; did you mean server?",
    '4:17: server.max_frame: expected a size from 4 KiB to 64 MiB, got "4095 B"',
    "5:5: server.max_conections: unknown key; did you mean max_connections?",
    "6:11: server.tcp: expected an address or a list of addresses, got 26000",
    '7:21: server.drain_timeout: expected a duration with its unit, such as "500ms", "30s", "5m" or "1h", up to 24 days, got 30',
    "8:5: listener[0]: expected one of tcp, udp, unix, http, got tcp and unix",
    "14:5: plugin[1].name: is missing",
    "15:11: plugin[1].biz: expected a whole number from 1 to 65535, got 0",
    `16:14: plugin[1].module: expected "builtin:NAME" or the path of a module, got "https://example.com/a.ts"`,
    "17:15: plugin[1].workers: expected a whole number from 1 to 64, got 1.5",
    '18:25: plugin[1].queue.max_ops: expected a whole number from 1 to 1000000000, got "many"',
    "18:33: plugin[1].queue.max_opz: unknown key; did you mean max_ops?",
    "19:13: plugin[1].cache: expected a table, got 3",
    "20:27: plugin[1].permissions.net: expected true, false or a list of texts, got [5432]",
    `21:15: plugin[1].timeout: expected a duration of at least 1ms, got "0"`,
    `22:20: plugin[1].expose_trace: expected true or false, got "yes"`,
    "24:13: plugin[1].config.since: expected a text, a number, a boolean, a list or a table (write dates as text), " +
    'got "2020-01-01"',
    "command line: max_fraem: unknown key; did you mean max_frame?",
  ]);
});

Deno.test("tables where lists of tables are expected, and the other way round, are refused", () => {
  assertEquals(problemsIn("server = 1\nplugin = { name = 'a' }\nlistener = [1]\n"), [
    "1:10: server: expected a table, got 1",
    "2:10: plugin: expected a list of tables, each [[plugin]], got one table: [plugin]",
    "3:13: listener[0]: expected a table, got 1",
  ]);
});

Deno.test("two plugins with one name or number and two listeners with one address are clashes", () => {
  const text = `
    server = { tcp = ["127.0.0.1:1", "127.0.0.1:0", "127.0.0.1:0"], udp = "127.0.0.2:1", unix = "a" }
    [[listener]]
    tcp = "127.0.0.1:01"
    [[listener]]
    udp = "127.0.0.2:1"
    [[listener]]
    unix = "a"
    [[plugin]]
    name = "a"
    biz = 7
    module = "builtin:echo"
    [[plugin]]
    name = "a"
    biz = 7
    module = "builtin:echo"
  `;
  assertEquals(problemsIn(text), [
    "4:11: listener[0].tcp: tcp 127.0.0.1:1 stands at server.tcp (line 2) already",
    "6:11: listener[1].udp: udp 127.0.0.2:1 stands at server.udp (line 2) already",
    "8:12: listener[2].unix: unix a stands at server.unix (line 2) already",
    '14:12: plugin[1].name: "a" stands at plugin[0].name (line 10) already',
    "15:11: plugin[1].biz: 7 stands at plugin[0].biz (line 11) already",
  ]);
  assertEquals(problemsIn('[[listener]]\ntcp = "127.0.0.1:7"\n', { MEVENT_TCP: "127.0.0.1:07" }), [
    "2:7: listener[0].tcp: tcp 127.0.0.1:7 stands at server.tcp already",
  ]);
});

Deno.test("names that callers could not use are refused", () => {
  for (const name of ["", "7", "Reserve.Status", "ä".repeat(33), "a\\u0000b"]) {
    const [problem] = problemsIn(`[[plugin]]\nname = "${name}"\nmodule = "builtin:echo"\n`);
    assertStringIncludes(problem ?? "", "plugin[0].name: expected a name of 1 to 64 bytes");
  }
});

Deno.test("a file without [[plugin]] runs the built-in plugins, an empty list none, with a warning", () => {
  assertEquals(loadText("").plugins.map(({ name }) => name), ["skeleton", "echo"]);
  const config = loadText('plugin = []\nserver = { tcp = [], udp = "" }\n');
  assertEquals([config.plugins, config.listeners, config.warnings.length], [[], [], 2]);
});

Deno.test("a plugin's module is relative to the config file, its config comes as it is", () => {
  const config = loadText(
    '[[plugin]]\nname = "a"\nmodule = "./a b.ts"\npermissions = { net = ["db:5432"], read = true }\n' +
      '[plugin.config]\ndsn = "x"\nlimits = { a = [1, 2.5] }\n',
  );
  const [plugin] = config.plugins;
  assert(plugin !== undefined);
  assertEquals(plugin.module, new URL("a%20b.ts", `file://${config.file}`).href);
  assertEquals(plugin.config, { dsn: "x", limits: { a: [1, 2.5] } });
  assertEquals([plugin.permissions.net, plugin.permissions.read, plugin.permissions.write], [
    ["db:5432"],
    true,
    false,
  ]);
  assertEquals([plugin.biz, plugin.concurrency, plugin.timeout], [undefined, undefined, 30_000]);
});

Deno.test("a further listener has an async_reply, a legacy and a charset of its own", () => {
  const config = loadText(
    '[server]\ntcp = []\nudp = []\ncharset = "latin1"\n[[listener]]\ntcp = "[::1]:5"\nasync_reply = false\n' +
      '[[listener]]\nudp = ":6"\ninsecure = true\nlegacy = true\ncharset = "gbk"\n',
  );
  assertEquals(config.listeners, [
    {
      transport: "tcp",
      hostname: "::1",
      port: 5,
      asyncReply: false,
      legacy: false,
      ...ANYBODY,
      tls: null,
      cors: [],
      httpHosts: [],
      admin: "off",
    },
    {
      transport: "udp",
      hostname: "0.0.0.0",
      port: 6,
      asyncReply: true,
      legacy: true,
      ...ANYBODY,
      charset: "gbk",
      tls: null,
      cors: [],
      httpHosts: [],
      admin: "off",
    },
  ]);
});
