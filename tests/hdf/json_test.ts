import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { stringifyJson } from "../../src/exact_json.ts";
import { HdfValueError } from "../../src/hdf/error.ts";
import { hdfToJson, jsonToHdf } from "../../src/hdf/json.ts";
import { parseHdf } from "../../src/hdf/parse.ts";
import { writeHdf } from "../../src/hdf/write.ts";
import type { JsonObject, JsonValue } from "../../src/plugin.ts";

function written(value: JsonObject): string {
  return writeHdf(jsonToHdf(value));
}

function read(text: string): JsonObject {
  return hdfToJson(parseHdf(text));
}

const WRITTEN: readonly (readonly [name: string, value: JsonObject, text: string])[] = [
  ["a string", { a: "x y" }, "a = x y\n"],
  ["an empty string", { a: "" }, "a = \n"],
  ["booleans", { t: true, f: false }, 't [type="101"]  = 1\nf [type="101"]  = 0\n'],
  [
    "int32",
    { a: -2147483648, b: 2147483647 },
    'a [type="102"]  = -2147483648\nb [type="102"]  = 2147483647\n',
  ],
  [
    "int64",
    { a: 2147483648, b: -(2 ** 53 - 1) },
    'a [type="103"]  = 2147483648\nb [type="103"]  = -9007199254740991\n',
  ],
  [
    "floats",
    { a: 0.1, b: -0, c: 1e300 },
    'a [type="104"]  = 0.1\nb [type="104"]  = -0\nc [type="104"]  = 1e+300\n',
  ],
  ["an object", { a: { b: "1" } }, "a{\nb = 1\n}\n"],
  ["an empty object", { a: {} }, 'a [type="107"]  = \n'],
  ["an array", { a: ["x", 1] }, 'a [type="108"]  = \na{\n0 = x\n1 [type="102"]  = 1\n}\n'],
  ["an empty array", { a: [] }, 'a [type="108"]  = \n'],
  ["a value beside children", { a: { "": 1, b: "x" } }, 'a [type="102"]  = 1\na{\nb = x\n}\n'],
  ["lines with a last newline", { a: "x\ny\n" }, "a << EOM\nx\ny\nEOM\n"],
  ["a terminator at the start", { a: "EOM\n" }, "a << EOM1\nEOM\nEOM1\n"],
];

for (const [name, value, text] of WRITTEN) {
  Deno.test(`JSON with ${name} goes into HDF text and back`, () => {
    assertEquals(written(value), text);
    assertEquals(JSON.stringify(read(text)), JSON.stringify(value));
  });
}

/** What HDF has no way to say but with an attribute that old readers do not know: it comes back with a newline more. */
const LENGTHENED: readonly (readonly [name: string, value: string, text: string])[] = [
  ["lines without a last newline", "x\ny", "a << EOM\nx\ny\nEOM\n"],
  ["white space before a text", " x", "a << EOM\n x\nEOM\n"],
  ["white space behind a text", "x\t", "a << EOM\nx\t\nEOM\n"],
  ["a carriage return at the end", "x\r", "a << EOM\nx\r\nEOM\n"],
  ["white space alone", " ", "a << EOM\n \nEOM\n"],
  [
    "a trace of several lines",
    "Error: x\n    at y\n    at z",
    "a << EOM\nError: x\n    at y\n    at z\nEOM\n",
  ],
  ["terminators", "EOM1\nEOM", "a << EOM2\nEOM1\nEOM\nEOM2\n"],
];

for (const [name, value, text] of LENGTHENED) {
  Deno.test(`JSON with ${name} goes into HDF text whole and comes back with a newline more, once`, () => {
    assertEquals(written({ a: value }), text);
    assertEquals(read(text), { a: `${value}\n` });
    assertEquals(written(read(text)), text);
  });
}

const TERMINATORS: readonly (readonly [name: string, value: string, terminator: string])[] = [
  ["has none", "x\ny\n", "EOM"],
  ["has the usual one within a line", "xEOM y\n", "EOM1"],
  ["ends in the usual one", "x\nEOM", "EOM1"],
  ["has words that begin like it", "EOMx EOM_ EOM1x\n", "EOM"],
  ["has one that begins like another", "EOM EOM12\n", "EOM1"],
  ["has all of one digit", ["EOM", 1, 2, 3, 4, 5, 6, 7, 8, 9].join("-EOM") + "\n", "EOM10"],
  ["has one with leading zeros", "EOM,EOM01\n", "EOM1"],
];

for (const [name, value, terminator] of TERMINATORS) {
  Deno.test(`the terminator of a text that ${name} stands nowhere in it as a word's end`, () => {
    const last = value.endsWith("\n") ? "" : "\n";
    assertEquals(written({ a: value }), `a << ${terminator}\n${value}${last}${terminator}\n`);
  });
}

Deno.test("minus zero stays minus zero as a float, and is zero as an integer", () => {
  assertEquals(Object.is(read(written({ a: -0 })).a, -0), true);
  assertEquals(Object.is(read("a [type=102] = -0").a, 0), true);
});

const READ: readonly (readonly [name: string, text: string, json: string])[] = [
  ["no type", "a = 5", '{"a":"5"}'],
  [
    "text types",
    "a [type=100] = 5\nb [type=105] = 2012-01-01\nc [type=106] = 13:00",
    '{"a":"5","b":"2012-01-01","c":"13:00"}',
  ],
  ["a type unknown here", "a [type=999] = 5", '{"a":"5"}'],
  ["spelled booleans", "a [type=101] = true\nb [type=101] = false", '{"a":true,"b":false}'],
  ["an int64 beyond 2^53", "a [type=103] = 9007199254740993", '{"a":9007199254740993}'],
  [
    "the bounds of int64",
    "a [type=103] = -9223372036854775808\nb [type=103] = +9223372036854775807",
    '{"a":-9223372036854775808,"b":9223372036854775807}',
  ],
  ["an int32 type on a larger number", "a [type=102] = 4294967296", '{"a":4294967296}'],
  ["leading zeros in a number", "a [type=102] = 007", '{"a":7}'],
  ["floats", "a [type=104] = 1.\nb [type=104] = .5\nc [type=104] = 1e3", '{"a":1,"b":0.5,"c":1000}'],
  [
    "numbers that no double holds",
    "a [type=104] = 9007199254740993\nb [type=104] = 1e999\nc [type=104] = +.1234567890123456789",
    '{"a":9007199254740993,"b":1e999,"c":0.1234567890123456789}',
  ],
  ["a node with value and children", "n = val\nn {\nc = child\n}", '{"n":{"":"val","c":"child"}}'],
  ["an object type on a brace", "a [type=107] {\nb = 1\n}", '{"a":{"b":"1"}}'],
  ["an array type on a brace", "a [type=108] {\n0 = x\n}", '{"a":["x"]}'],
  ["an array in another order", "a [type=108] {\n1 = y\n0 = x\n}", '{"a":["x","y"]}'],
  ["numbered nodes without a type", "a {\n0 = x\n}", '{"a":{"0":"x"}}'],
  ["an empty brace", "a {\n}", '{"a":{}}'],
  [
    "booleans of any whole number",
    "a [type=101] = 5\nb [type=101] = -1\nc [type=101] = 00",
    '{"a":true,"b":true,"c":false}',
  ],
  ["a boolean of a number beyond 64 bits", "a [type=101] = 99999999999999999999", '{"a":true}'],
  [
    "empty numbers and booleans",
    "a [type=102] =\nb [type=103] =\nc [type=104] =\nd [type=101] =",
    '{"a":0,"b":0,"c":0,"d":false}',
  ],
  [
    "floats that are no numbers",
    "a [type=104] = nan\nb [type=104] = -nan\nc [type=104] = inf\nd [type=104] = -INF",
    '{"a":"nan","b":"-nan","c":"inf","d":"-INF"}',
  ],
  ["an array that counts from 1", "a [type=108] {\n1 = x\n2 = y\n}", '{"a":["x","y"]}'],
  [
    "an array with gaps, in the order of the numbers",
    "a [type=108] {\n10 = z\n2 = y\n0 = x\n}",
    '{"a":["x","y","z"]}',
  ],
  [
    "an array with another name",
    "a [type=108] {\n0 = x\n__arraynode__ = y\n}",
    '{"a":{"0":"x","__arraynode__":"y"}}',
  ],
  ["an array with an index spelled otherwise", "a [type=108] {\n00 = x\n}", '{"a":{"00":"x"}}'],
  ["an array with a text and children", "a [type=108] = foo\na {\n0 = x\n}", '{"a":{"0":"x","":"foo"}}'],
  ["an array with a text alone", "a [type=108] = x", '{"a":"x"}'],
  ["an object with a text alone", "a [type=107] = x", '{"a":"x"}'],
  ["an object with a text and children", "a [type=107] = x\na.b = y", '{"a":{"":"x","b":"y"}}'],
  ["an array of named nodes with an empty text", "a [type=108] =\na.x = y", '{"a":{"x":"y"}}'],
];

for (const [name, text, json] of READ) {
  Deno.test(`HDF with ${name} becomes JSON`, () => {
    assertEquals(stringifyJson(read(text)), json);
  });
}

const UNREADABLE: readonly (readonly [name: string, text: string, path: string])[] = [
  ["an integer that is none", "u.a [type=102] = abc", "u.a"],
  ["a fraction as an integer", "a [type=103] = 1.5", "a"],
  ["an integer beyond int64", "a [type=103] = 9223372036854775808", "a"],
  ["an integer of very many digits", `a [type=103] = ${"9".repeat(60_000)}`, "a"],
  ["a float that is none", "a [type=104] = 1e", "a"],
  ["a float of very many digits and a letter", `a [type=104] = ${"9".repeat(60_000)}x`, "a"],
  ["a float that begins like no number", "a [type=104] = nano", "a"],
  ["an integer that is no number", "a [type=102] = nan", "a"],
  ["a boolean that is none", "a [type=101] = yes", "a"],
];

for (const [name, text, path] of UNREADABLE) {
  Deno.test(`HDF with ${name} becomes no JSON, and the error names the node`, () => {
    assertEquals(assertThrows(() => read(text), HdfValueError).path, path);
  });
}

function deep(levels: number): JsonObject {
  let value: JsonObject = { a: "x" };
  for (let i = 1; i < levels; i++) value = { a: value };
  return value;
}

const sparse: JsonValue[] = ["x"];
sparse.length = 2;

const UNNAMEABLE: readonly (readonly [name: string, value: JsonObject, path: string, says: string])[] = [
  ["null", { user: { tags: [null] } }, "user.tags.0", "is null"],
  ["a hole in an array", { a: sparse }, "a.1", "is of type undefined"],
  ["a key with a dot", { a: { "b.c": 1 } }, "a.b.c", "is no HDF name"],
  ["a key with a space", { "a b": 1 }, "a b", "is no HDF name"],
  ["an empty key at the root", { "": "x", a: 1 }, "", "is no HDF name"],
  ["an empty key alone", { a: { "": "x" } }, "a.", "is no HDF name"],
  ["an object under the empty key", { a: { "": { b: "x" }, c: 1 } }, "a.", "must be a string"],
  ["a key with a no-break space", { "a\u00a0": 1 }, "a\u00a0", "is no HDF name"],
  ["a key with a byte order mark", { "\ufeffa": 1 }, "\ufeffa", "is no HDF name"],
  ["a key with half a surrogate pair", { "a\ud800": 1 }, "a\ud800", "is no HDF name"],
  ["a string with a NUL", { a: "x\0y" }, "a", "has a NUL"],
  ["half a surrogate pair", { a: ["\udc00"] }, "a.0", "half a surrogate pair"],
  ["a number that is none", { a: NaN }, "a", "is NaN"],
  ["infinity", { a: { b: -Infinity } }, "a.b", "is -Infinity"],
  ["65 levels", deep(65), Array(65).fill("a").join("."), "too deep"],
  ["30,000 levels", deep(30_000), Array(65).fill("a").join("."), "too deep"],
];

for (const [name, value, path, says] of UNNAMEABLE) {
  Deno.test(`JSON with ${name} is refused with its path`, () => {
    const error = assertThrows(() => jsonToHdf(value), HdfValueError);
    assertEquals(error.path, path);
    assertStringIncludes(error.message, says);
  });
}

Deno.test("64 levels go from JSON to text and back, and no step takes 65", () => {
  assertEquals(JSON.stringify(read(written(deep(64)))), JSON.stringify(deep(64)));
  const tooDeep = jsonToHdf(deep(65), 65);
  assertThrows(() => writeHdf(tooDeep), HdfValueError, "too deep");
  assertThrows(() => hdfToJson(tooDeep), HdfValueError, "too many levels");
});

Deno.test("a node named __proto__ becomes a key of its own and pollutes no prototype", () => {
  const value = read("__proto__.polluted = 1\na.__proto__ = x\n");
  assertEquals(JSON.stringify(value), '{"__proto__":{"polluted":"1"},"a":{"__proto__":"x"}}');
  assertEquals(Object.getPrototypeOf(value), Object.prototype);
  assertEquals("polluted" in value, false);
  assertEquals(written(value), "__proto__{\npolluted = 1\n}\na{\n__proto__ = x\n}\n");
});
