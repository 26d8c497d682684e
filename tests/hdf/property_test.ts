import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { bigintAsDigits } from "../../src/exact_json.ts";
import { HdfError, HdfValueError } from "../../src/hdf/error.ts";
import { hdfToJson, jsonToHdf } from "../../src/hdf/json.ts";
import { parseHdf } from "../../src/hdf/parse.ts";
import { writeHdf } from "../../src/hdf/write.ts";
import type { JsonValue } from "../../src/plugin.ts";
import { jsonObjects } from "../support/json_objects.ts";

/** Pieces that HDF gives a meaning, so that chance meets it. */
const PIECES = [
  ...' \t\r\n\n\v\f\u00a0\u2028\ufeff=:{}[]#."\\<_09aé键😀',
  ...[
    "EOM",
    "EOM1",
    "\nEOM\n",
    " << EOM\n",
    " [type=102] ",
    ' [x="1"] << EOM\n',
    " := ",
    " : ",
    " = ",
    " {\n",
    "\n}\n",
  ],
  ...["type", "#include ", "\na.b", "\na = 1\n", "\nb : a\n", "\nc := a\n", "\nb.c"],
];

const pieces = fc.array(fc.constantFrom(...PIECES), { maxLength: 30 }).map((parts) => parts.join(""));
const text = fc.oneof(pieces, fc.string({ unit: "binary" })).map((string) => string.replaceAll("\0", "0"));
const name = fc.oneof(
  fc.constantFrom("0", "1", "__proto__", "constructor", "类型", "EOM"),
  fc.string({ unit: fc.constantFrom(..."abzAZ019_é键😀"), minLength: 1, maxLength: 8 }),
);
const number = fc.oneof(
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(-0, 2 ** 31, 2 ** 53, -(2 ** 63), 1e21, 5e-324),
  fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }),
);

const object = jsonObjects({ name, text, number });

/** The JSON's spelling, minus zero told apart from zero. */
function spelled(value: JsonValue): string {
  return JSON.stringify(
    value,
    (key, part) => Object.is(part, -0) ? "minus zero" : bigintAsDigits(key, part),
  );
}

/** What HDF lines make of a text: those that end in no newline get one, and what is cut at its ends becomes a line. */
function inLines(value: JsonValue): string {
  return JSON.stringify(value, (key, part) => {
    if (Object.is(part, -0)) return "minus zero";
    if (typeof part === "bigint") return bigintAsDigits(key, part);
    const isText = typeof part === "string" && part !== "";
    const isCut = isText && (/^[ \t-\r]|[ \t-\r]$/.test(part) || part.includes("\n"));
    return isCut && !part.endsWith("\n") ? `${part}\n` : part;
  });
}

Deno.test("every JSON object that HDF can name goes through HDF text unchanged but for a newline at the end of lines", () => {
  fc.assert(
    fc.property(object, (value) => {
      const sent = writeHdf(jsonToHdf(value));
      assertEquals(spelled(hdfToJson(parseHdf(sent))), inLines(value));
      assertEquals(writeHdf(parseHdf(sent)), sent);
      assertEquals(/\[(?!type="10[0-8]"\])/.test(attributesOf(sent)), false);
    }),
    { numRuns: 500 },
  );
});

Deno.test("a value beside children goes through HDF text unchanged but for a newline at the end of lines", () => {
  fc.assert(
    fc.property(fc.oneof(text, number, fc.boolean()), name, text, (own, key, other) => {
      const value = { n: Object.fromEntries<JsonValue>([["", own], [key, other]]) };
      assertEquals(spelled(hdfToJson(parseHdf(writeHdf(jsonToHdf(value))))), inLines(value));
    }),
    { numRuns: 200 },
  );
});

Deno.test("any text is read or refused with HdfError, and what is read is written once and for all", () => {
  const lines = fc.array(
    fc.tuple(name, fc.constantFrom(" = ", " : ", " := ", "{\n", " [type=102] = ", " << EOM\n", ".a = "), text)
      .map((parts) => parts.join("")),
    { maxLength: 8 },
  ).map((all) => all.join("\n"));
  fc.assert(
    fc.property(fc.oneof(lines, pieces, fc.string({ unit: "binary" })), (any) => {
      const first = attempt(() => writeHdf(parseHdf(any)));
      if (first === undefined) return;
      assertEquals(writeHdf(parseHdf(first)), first);
      attempt(() => hdfToJson(parseHdf(first)));
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("any bytes, decoded as UTF-8, are read or refused with HdfError", () => {
  const decoder = new TextDecoder();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      attempt(() => parseHdf(decoder.decode(bytes)));
    }),
    { numRuns: 500 },
  );
});

/** All that stands in brackets behind a name; the lines of multi-line texts are left out. */
function attributesOf(text: string): string {
  const found: string[] = [];
  let terminator: string | undefined;
  for (const line of text.split("\n")) {
    if (terminator !== undefined) {
      if (line === terminator) terminator = undefined;
      continue;
    }
    const [, attributes = "", open] = /^[^\s=<{[]+(?: (\[.*?\]) )?(?: ?<< (\S+)$)?/.exec(line) ?? [];
    found.push(attributes);
    terminator = open;
  }
  return found.join("");
}

/** The result, or undefined where one of HDF's own errors is thrown; any other error goes on. */
function attempt<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    if (error instanceof HdfError || error instanceof HdfValueError) return undefined;
    throw error;
  }
}
