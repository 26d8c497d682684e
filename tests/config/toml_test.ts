import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import fc from "fast-check";
import { ConfigError, type KeyPath, keyText } from "../../src/config/config_error.ts";
import { decodeConfig, parseDocument } from "../../src/config/document.ts";
import { loadConfig } from "../../src/config/load.ts";
import { environmentLayer } from "../../src/config/overrides.ts";

function problemIn(text: string): string {
  return assertThrows(() => parseDocument(text, "m.toml"), ConfigError).message;
}

function load(text: string, env: Record<string, string> = {}) {
  return loadConfig({ file: "m.toml", text, env, flags: {} });
}

function pluginWith(config: string): string {
  return `[[plugin]]\nname = "a"\nmodule = "builtin:echo"\n[plugin.config]\n${config}\n`;
}

Deno.test("a key or table that is given twice is refused, whichever way it is written, with both lines", () => {
  const twice: readonly [text: string, place: string, first: number][] = [
    ["[server]\nmax_depth = 1\nmax_depth = 2", "3:1", 2],
    ['a = 1\n"a" = 2', "2:1", 1],
    ["a = 1\n'a' = 2", "2:1", 1],
    ['"\\u0061" = 1\n  a = 2', "2:3", 1],
    ["a.b = 1\n\na.b = 2", "3:1", 1],
    ["a = 1\na.b = 2", "2:1", 1],
    ["a.b = 1\na = 2", "2:1", 1],
    ["a = { x = 1,\n  x = 2 }", "2:3", 1],
    ["a = { b = { c = 1 }, b.d = 2 }", "1:22", 1],
    ["a = { x = 1 }\na.y = 2", "2:1", 1],
    ["a = { x = 1 }\n[a.b]", "2:2", 1],
    ["[server]\n[plugin]\n[server]", "3:2", 1],
    ['[a]\n["a"]', "2:2", 1],
    ["a.b = 1\n[a]", "2:2", 1],
    ["[a.b]\n[a]\nb.c = 1", "3:1", 1],
    ["a = [1]\n[[a]]", "2:3", 1],
    ["plugin = []\n[[plugin]]", "2:3", 1],
    ["[a]\n[[a]]", "2:3", 1],
    ["[[a]]\n[a]", "2:2", 1],
    ["[[plugin]]\n[plugin.permissions]\nread = ['a']\nread = ['b']", "4:1", 3],
    ["[[p]]\nx = 1\n[[p]]\nx = 1\n[p.c]\n[p.c]", "6:2", 5],
  ];
  for (const [text, place, first] of twice) {
    const expected = `m.toml:${place}: is not TOML: this key or table is there already, in line ${first};`;
    assertMatch(problemIn(text), new RegExp(`^${expected}`), text);
  }
});

Deno.test("what TOML does not allow is refused with line and column", () => {
  const wrong: { readonly [text: string]: string } = {
    "a = 1 b = 2": "1:7",
    "a = 1\n\n  b = @": "3:7",
    'a = "\\q"': "1:7",
    'a = "\\ud800"': "1:6",
    'a = "\\U00110000"': "1:6",
    'a = "x\u0001"': "1:7",
    "a = 'x\u0001'": "1:7",
    'a = """\nx\u0001"""': "2:2",
    'a = "x\u007f"': "1:7",
    "# x\u0001": "1:4",
    "# a\rb = 1": "1:4",
    'a = "x\ry"': "1:7",
    "a = 1\rb = 2": "1:6",
    'a = """x\ry"""': "1:9",
    "a = 01": "1:5",
    "a = 1__0": "1:7",
    "a = 1.": "1:5",
    "a = .5": "1:5",
    "a = NaN": "1:5",
    "a = True": "1:5",
    "a = 2020-13-01": "1:5",
    "a = 25:00:00": "1:5",
    "a = [1,,2]": "1:8",
    "ä = 1": "1:1",
    "= 1": "1:1",
    "[a]b = 1": "1:4",
    "[]": "1:2",
    'a = "x': "1:5",
    '"🐿" = @': "1:7",
    "a = 1\r\nb = @\r\n": "2:5",
    "a = 1\n\uFEFFb = 2": "2:1",
  };
  for (const [text, place] of Object.entries(wrong)) {
    assertEquals(problemIn(text).slice(0, `m.toml:${place}: `.length), `m.toml:${place}: `, text);
  }
});

Deno.test("what TOML allows is taken, and means what it says", () => {
  const right: readonly [text: string, values: unknown][] = [
    ['a = "\\U0001F43F"', { a: "\u{1F43F}" }],
    ['a = """\\U0001F43F"""\n"\\U0001F43F" = 1', { a: "\u{1F43F}", "\u{1F43F}": 1 }],
    ["[a.b]\nx = 1\n[a]\ny = 2", { a: { b: { x: 1 }, y: 2 } }],
    ["[a.b.c]\n[a.b]\n[a]", { a: { b: { c: {} } } }],
    ['a = """"x""""\nb = """""x"""""', { a: '"x"', b: '""x""' }],
    ['a = """x \\  \n  y"""', { a: "x y" }],
    ["a = [1 # one\n, 2\n,\n3,]", { a: [1, 2, 3] }],
    ["\uFEFFa = 1", { a: 1 }],
    ["a = 1\r\n[b]\r\nc = 2\r\n", { a: 1, b: { c: 2 } }],
    ["a = 'C:\\x'", { a: "C:\\x" }],
    ["1.2 = 3\n' '.x = 4", { 1: { 2: 3 }, " ": { x: 4 } }],
    ["[[a]]\n[[a.b]]\nx = 1\n[[a]]", { a: [{ b: [{ x: 1 }] }, {}] }],
    ["a = 1_000\nb = 0xff\nc = 0o17\nd = 0b11", { a: 1000, b: 255, c: 15, d: 3 }],
    ['"" = 1', { "": 1 }],
  ];
  for (const [text, values] of right) {
    assertEquals(JSON.stringify(parseDocument(text, "m.toml").values), JSON.stringify(values), text);
  }
});

Deno.test("a config in another encoding is refused with its line, and one that begins with a BOM is taken", () => {
  const encode = (text: string) => new TextEncoder().encode(text);
  assertEquals(decodeConfig(encode("\uFEFF[server]\n# ä 🐿\n"), "m.toml"), "[server]\n# ä 🐿\n");
  const latin1 = Uint8Array.from('a = 1\nb = "Zo\xeb"\n', (each) => each.charCodeAt(0));
  assertThrows(() => decodeConfig(latin1, "m.toml"), ConfigError, "m.toml:2: is not UTF-8");
  const utf16 = Uint8Array.from([0xff, 0xfe, 0x61, 0x00]);
  assertThrows(() => decodeConfig(utf16, "m.toml"), ConfigError, "m.toml:1: is not UTF-8");
  assertEquals(load('\uFEFF[server]\r\ntcp = "127.0.0.1:7"\r\n').listeners.length, 2);
});

Deno.test("what no plugin could be handed unchanged is refused by its key, wherever it stands in the config", () => {
  const wrong: { readonly [value: string]: string } = {
    "9007199254740993": "got 9007199254740993",
    "-9007199254740992": "got -9007199254740992",
    "9223372036854775807": "got 9223372036854775807",
    "0xffffffffffffffff": "got 18446744073709551615",
    "1e400": "got Infinity",
    nan: "got NaN",
    "-inf": "got -Infinity",
    "2026-11-28": 'got "2026-11-28"',
    "07:32:00": 'got "07:32:00.000"',
    "2026-11-28T07:32:00Z": 'got "2026-11-28T07:32:00.000Z"',
  };
  for (const [value, told] of Object.entries(wrong)) {
    const error = assertThrows(
      () => load(pluginWith(`a = ${value}\nb = [1,\n  { c = ${value} }]`)),
      ConfigError,
    );
    const [first, second, ...others] = error.problems;
    assertEquals(others, []);
    assertMatch(first!, /^m\.toml:5:5: plugin\[0\]\.config\.a: expected .*write .* as text/);
    assertMatch(second!, /^m\.toml:7:9: plugin\[0\]\.config\.b\[1\]\.c: expected/);
    assert(first!.endsWith(told) && second!.endsWith(told), error.message);
  }
  const [plugin] = load(pluginWith("a = 9007199254740991\nb = -0.5\nc = '9223372036854775807'")).plugins;
  assertEquals(plugin!.config, { a: 9_007_199_254_740_991, b: -0.5, c: "9223372036854775807" });
  assertThrows(
    () => load("[server]\nmax_in_flight = 9007199254740993\n"),
    ConfigError,
    "m.toml:2:17: server.max_in_flight: expected a whole number from 1 to 1000000, got 9007199254740993",
  );
});

Deno.test("keys that objects have of themselves are keys like any other", () => {
  for (const key of ["__proto__", "constructor", "toString", "hasOwnProperty"]) {
    assertThrows(() => load(`[server]\n${key} = 1`), ConfigError, `m.toml:2:1: server.${key}: unknown key`);
    const config = load(pluginWith(`${key}.x = 1`)).plugins[0]!.config;
    assertEquals(Object.entries(config).map(([name, value]) => [name, { ...Object(value) }]), [[key, {
      x: 1,
    }]]);
  }
});

Deno.test("a wrong element of a list is named by its own line, an odd key in quotes, and what is near is asked for", () => {
  const text = '[server]\ntcp = [\n  "127.0.0.1:1",\n  "nowhere",\n]\nqueue = 1\n[[plugin]]\nname = "a"\n' +
    'module = "builtin:echo"\nretry = { max_atempts = 1, zzz = 2 }\n"a b" = 1\nwokers = 1\n';
  assertEquals(assertThrows(() => load(text), ConfigError).problems, [
    'm.toml:4:3: server.tcp[1]: expected an address such as "127.0.0.1:26000", "[::1]:26000" or ":26000", got "nowhere"',
    "m.toml:6:1: server.queue: unknown key; it is a key of [[plugin]]",
    "m.toml:10:11: plugin[0].retry.max_atempts: unknown key; did you mean max_attempts?",
    "m.toml:10:28: plugin[0].retry.zzz: unknown key; there are max_attempts, backoff, max_backoff",
    `m.toml:11:1: plugin[0]."a b": unknown key; keys of the plugin's own stand in [plugin.config]`,
    "m.toml:12:1: plugin[0].wokers: unknown key; did you mean workers?",
  ]);
  assertEquals(assertThrows(() => load("max_frame = 1\nworkers = 2\nxyz = 3\n"), ConfigError).problems, [
    "m.toml:1:1: max_frame: unknown key; it is a key of [server]",
    "m.toml:2:1: workers: unknown key; it is a key of [[plugin]]",
    "m.toml:3:1: xyz: unknown key; there are server, listener, token, certificate, alert, receiver, plugin",
  ]);
});

Deno.test("keys of [[plugin]] that stand in [plugin.config] are warned of with both places, a plugin's own are not", () => {
  const text = `# first\n${pluginWith("x = 1\nworkers = 2\nretry = { max_attempts = 3 }\nname = 'b'")}`;
  const warnings = load(text).warnings;
  assertEquals(warnings.length, 2);
  assertMatch(
    warnings[0]!,
    /^m\.toml:7:1: plugin\[0\]\.config\.workers .* write it above, under m\.toml:2:1$/,
  );
  assertMatch(warnings[1]!, /^m\.toml:8:1: plugin\[0\]\.config\.retry /);
  const hook = text.replace("builtin:echo", "builtin:webhook").replace("workers", "timeout");
  assertEquals(load(hook).warnings.length, 1);
});

Deno.test("variables that set nothing are warned of, and those that Kubernetes sets are told apart", () => {
  const of = (env: Record<string, string>) => environmentLayer(env);
  assertEquals(of({ MEVENT_MAX_FRAMES: "1", MEVENT_CONFG: "x", MEVENT_HOME: "/", HOME: "/" }), {
    values: {},
    warnings: [
      "MEVENT_MAX_FRAMES: unknown variable, it sets nothing; did you mean MEVENT_MAX_FRAME?",
      "MEVENT_CONFG: unknown variable, it sets nothing; did you mean MEVENT_CONFIG?",
      "MEVENT_HOME: unknown variable, it sets nothing",
    ],
  });
  const service = (name: string) => ({
    [`${name}_SERVICE_HOST`]: "10.96.0.7",
    [`${name}_SERVICE_PORT`]: "26000",
    [`${name}_SERVICE_PORT_TCP`]: "26000",
    [`${name}_PORT`]: "tcp://10.96.0.7:26000",
    [`${name}_PORT_26000_TCP`]: "tcp://10.96.0.7:26000",
    [`${name}_PORT_26000_TCP_PROTO`]: "tcp",
    [`${name}_PORT_26000_TCP_PORT`]: "26000",
    [`${name}_PORT_26000_TCP_ADDR`]: "10.96.0.7",
    [`${name}_PORT_26000_UDP`]: "udp://10.96.0.7:26000",
  });
  for (
    const name of ["MEVENT", "MEVENT_TCP", "MEVENT_UDP", "MEVENT_MAX_FRAME", "MEVENT_CONTROL", "MEVENT_A_B"]
  ) {
    const { values, warnings } = of({ ...service(name), MEVENT_MAX_DEPTH: "7" });
    assertEquals([values, warnings.length], [{ max_depth: 7 }, 1]);
    for (const variable of Object.keys(service(name))) assert(warnings[0]!.includes(variable));
    assertMatch(warnings[0]!, /Kubernetes .*they set nothing/);
    assertEquals(load("", service(name)).listeners.length, 2);
  }
});

const bare = fc.stringMatching(/^[A-Za-z0-9_-]{1,6}$/);
const name = fc.oneof(bare, fc.string({ unit: "grapheme", maxLength: 4 }));
const scalar = fc.oneof(
  fc.constantFrom("1", "-0.5", "true", "1979-05-27 07:32:00Z", "'it\\'", '"a ] } , # \\" b"', "nan"),
  fc.constantFrom('"""\n"" , \\""" ]"""', "'''\n[x] # 'y' '''", '"""""x"""""'),
);
/** A document by its structure, written with blanks, comments and line ends at random. */
type Node = string | readonly Node[] | { readonly [key: string]: Node };
const { node } = fc.letrec<{ node: Node }>((tie) => ({
  node: fc.oneof(
    { depthSize: "small" },
    scalar,
    fc.array(tie("node"), { maxLength: 3 }),
    fc.dictionary(name, tie("node"), { maxKeys: 3 }),
  ),
}));
const space = fc.constantFrom("", " ", "\t ");
const gap = fc.constantFrom("", " ", "\n", " # = [ \" '\n\t", "\r\n");

Deno.test("where keys and values stand is found in any text that parses, and nothing that is not there", () => {
  fc.assert(
    fc.property(fc.dictionary(name, node, { maxKeys: 4 }), fc.gen(), (document, gen) => {
      const written = new Map<
        string,
        { readonly path: KeyPath; readonly key: number; readonly value: number }
      >();
      let text = "";
      const put = (piece: string) => void (text += piece);
      const keyOf = (key: string) =>
        /^[A-Za-z0-9_-]+$/.test(key) && gen(fc.boolean)
          ? key
          : JSON.stringify(key).replaceAll("\x7f", "\\u007f");
      const value = (each: Node, path: KeyPath, key: number) => {
        written.set(JSON.stringify(path), { path, key, value: text.length });
        if (typeof each === "string") return put(each);
        const [begin, end] = Array.isArray(each) ? ["[", "]"] : ["{", "}"];
        put(begin!);
        for (const [at, [member, child]] of Object.entries(each).entries()) {
          put(at > 0 ? gen(() => gap) + "," : "");
          put(gen(() => gap));
          const start = text.length;
          if (!Array.isArray(each)) put(`${keyOf(member)}${gen(() => space)}=${gen(() => space)}`);
          value(child, [...path, Array.isArray(each) ? at : member], start);
        }
        put(gen(() => gap) + end);
      };
      /** Keys before tables, as a header takes all that follows it. */
      const table = (each: { readonly [key: string]: Node }, path: KeyPath) => {
        const isTable = (child: Node) =>
          typeof child === "object" && !Array.isArray(child) && gen(fc.boolean);
        const entries = Object.entries(each).map(([key, child]) => ({ key, child, header: isTable(child) }));
        for (const { key, child } of entries.filter(({ header }) => !header)) {
          put(gen(() => space));
          const start = text.length;
          put(`${keyOf(key)}${gen(() => space)}=${gen(() => space)}`);
          value(child, [...path, key], start);
          put(gen(() => fc.constantFrom("\n", ' # \' """\n', "\r\n\n")));
        }
        for (const { key, child } of entries.filter(({ header }) => header)) {
          const below = [...path, key];
          put(gen(() => space));
          written.set(JSON.stringify(below), { path: below, key: text.length, value: text.length });
          put(
            `[${gen(() => space)}${
              below.map((part) => keyOf(String(part))).join(gen(() => space) + ".")
            } ]\n`,
          );
          table(child as { readonly [key: string]: Node }, below);
        }
      };
      table(document, []);
      const { positions, values } = parseDocument(text, "m.toml");
      for (const { path, key, value } of written.values()) {
        assert(positions!.has(path), text);
        assertEquals(positions!.key(path), positionOf(text, key), text);
        assertEquals(positions!.value(path), positionOf(text, value), text);
      }
      const paths = pathsOf(values, []).map((path) => JSON.stringify(path));
      assertEquals(paths.toSorted(), [...written.keys()].toSorted());
      assert(!positions!.has([...Object.keys(values), "none of them"]));
    }),
    { numRuns: 300 },
  );
});

function positionOf(text: string, offset: number) {
  const lines = text.slice(0, offset).split("\n");
  return { line: lines.length, column: [...lines.at(-1)!].length + 1 };
}

function pathsOf(value: unknown, path: KeyPath): KeyPath[] {
  if (typeof value !== "object" || value === null || value instanceof Date) return [];
  return Object.entries(value).flatMap(([key, child]) => {
    const below = [...path, Array.isArray(value) ? Number(key) : key];
    return [below, ...pathsOf(child, below)];
  });
}

Deno.test("the positions of a large config are found in a time that grows with it and not with its square", () => {
  const keys = 20_000;
  const text = Array.from({ length: keys }, (_, at) => `key_${at} = "${"x".repeat(40)}"\n`).join("");
  const { positions } = parseDocument(text, "m.toml");
  const begun = performance.now();
  for (let at = 0; at < keys; at++) {
    assertEquals(positions!.value([`key_${at}`]), { line: at + 1, column: `key_${at} = "`.length });
  }
  // With a walk through the text for each key it would be minutes.
  assert(performance.now() - begun < 10_000);
});

Deno.test("keys below lists of tables are found in the item that they stand in", () => {
  const text =
    '[[plugin]]\nname = "a"\n[plugin.config]\nx = 1\n[[plugin.config.rows]]\ny = 1\n[[plugin.config.rows]]\n' +
    'y = 2\n\n[[plugin]]\nname = "b"\n[plugin.config]\na.b = { c.d = 1 }\n';
  const { positions } = parseDocument(text, "m.toml");
  const lines: readonly [KeyPath, number, number][] = [
    [["plugin", 0], 1, 1],
    [["plugin", 0, "name"], 2, 1],
    [["plugin", 0, "config"], 3, 1],
    [["plugin", 0, "config", "rows", 0, "y"], 6, 1],
    [["plugin", 0, "config", "rows", 1], 7, 1],
    [["plugin", 0, "config", "rows", 1, "y"], 8, 1],
    [["plugin", 1], 10, 1],
    [["plugin", 1, "config", "a", "b", "c", "d"], 13, 11],
    [["plugin", 1, "workers"], 10, 1],
  ];
  for (const [path, line, column] of lines) {
    assertEquals(positions!.key(path), { line, column }, path.join("."));
  }
});

Deno.test("a list, a date or a text where a table is expected is refused, whichever table it is", () => {
  const plugin = '[[plugin]]\nname = "a"\nmodule = "builtin:echo"\n';
  const tables = ["retry", "dedup", "dead", "queue", "cache", "permissions", "config"];
  const written: readonly (readonly [text: string, key: string])[] = [
    ["[[server]]\nmax_frame = 1\n", "server"],
    ...["[]", "2026-01-01", '"x"'].map((value) => [`server = ${value}\n`, "server"] as const),
    ...tables.flatMap((name) => [
      [`${plugin}[[plugin.${name}]]\nx = 1\n`, `plugin[0].${name}`] as const,
      ...["[]", "07:32:00", "true"].map((value) =>
        [`${plugin}${name} = ${value}\n`, `plugin[0].${name}`] as const
      ),
    ]),
    ["listener = [[]]\n", "listener[0]"],
    ["plugin = [[]]\n", "plugin[0]"],
  ];
  for (const [text, key] of written) {
    const { details } = assertThrows(() => load(text), ConfigError);
    assertEquals(details.map(({ path, message }) => [keyText(path!), message.split(",")[0]]), [
      [key, "expected a table"],
    ], text);
  }
});

Deno.test("a text without quotes and one with backslashes are refused with how they are written", () => {
  for (const value of ["debug", "127.0.0.1:1", "64 KiB", "True", "yes", "./x.sock", "“debug”"]) {
    assertMatch(
      problemIn(`a = ${value}\n`),
      /; a text stands in quotes: "64 KiB"; true and false are written so$/,
    );
  }
  for (const value of ["C:\\Users", "C:\\data", "\\d+"]) {
    assertMatch(
      problemIn(`a = "${value}"\n`),
      /; a backslash is written \\\\, or the text in single quotes: 'C:\\data'$/,
    );
  }
  for (const text of ["a = @ # x", "a = 1\nb", "a = [1", 'a = "x']) {
    assertEquals(/quotes/.test(problemIn(text)), text.includes("@"), text);
  }
});
