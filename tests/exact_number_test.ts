import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { parseExactly, parseJson, stringifyJson } from "../src/exact_json.ts";
import {
  doubleOf,
  isExactNumber,
  numberText,
  readNumber,
  spelledNumber,
  wholeOf,
} from "../src/exact_number.ts";
import type { ExactNumber, JsonValue } from "../src/plugin.ts";
import { decodeContent, Encoding } from "../src/protocol/body.ts";
import { checkJsonLimits } from "../src/protocol/json_limits.ts";
import { CONTENT_LIMITS } from "../src/protocol/content_limits.ts";
import { ProtocolError } from "../src/protocol/errors.ts";

/** A decimal as two whole numbers, to be reckoned with: `mantissa` times 10 to the power of `exponent`. */
interface Rational {
  readonly mantissa: bigint;
  readonly exponent: number;
}

const digit = fc.constantFrom(..."0123456789");
const digits = (min: number, max: number) => fc.string({ unit: digit, minLength: min, maxLength: max });
const wholeDigits = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 70n }).map(String),
  fc.bigInt({ min: 2n ** 53n - 5n, max: 2n ** 53n + 5n }).map(String),
  digits(1, 25).map((text) => text.replace(/^0+(?=\d)/, "")),
);

/** Number texts as JSON has them. */
const jsonNumber = fc.tuple(
  fc.constantFrom("", "-"),
  wholeDigits,
  fc.option(digits(1, 25), { nil: undefined }),
  fc.option(fc.tuple(fc.constantFrom("e", "E", "e+", "e-"), fc.nat(420)), { nil: undefined }),
).map(([sign, whole, fraction, power]) =>
  sign + whole + (fraction === undefined ? "" : `.${fraction}`) + (power?.join("") ?? "")
);
const double = fc.double({ noNaN: true, noDefaultInfinity: true });

/** By what it says and not by how it is read here. */
function rational(text: string): Rational {
  const [mantissa = "", power = "0"] = text.toLowerCase().split("e");
  const [whole = "", fraction = ""] = mantissa.split(".");
  return { mantissa: BigInt(whole + fraction), exponent: Number(power) - fraction.length };
}

function areEqual(one: Rational, other: Rational): boolean {
  const least = Math.min(one.exponent, other.exponent);
  const scaled = ({ mantissa, exponent }: Rational) => mantissa * 10n ** BigInt(exponent - least);
  return scaled(one) === scaled(other);
}

/** The digits of a whole number; undefined where it is none. */
function wholeDigitsOf({ mantissa, exponent }: Rational): string | undefined {
  if (exponent >= 0) return (mantissa * 10n ** BigInt(exponent)).toString();
  const unit = 10n ** BigInt(-exponent);
  return mantissa % unit === 0n ? (mantissa / unit).toString() : undefined;
}

/** Whether a program that writes the nearest double by as many digits, 17 at most, writes that. */
function isSpelled(text: string): boolean {
  const { mantissa } = rational(text);
  const { length } = mantissa.toString().replace("-", "").replace(/0+$/, "");
  const nearest = Number(text);
  if (!Number.isFinite(nearest) || length > 17) return false;
  return areEqual(rational(nearest.toPrecision(Math.max(length, 1))), rational(text));
}

function saidBy(value: number | bigint | ExactNumber): Rational {
  return rational(isExactNumber(value) ? value.rawJSON : String(value));
}

Deno.test("a number is read as a double, a bigint or its text, and is equal to what was sent in each", () => {
  fc.assert(
    fc.property(jsonNumber, (text) => {
      const sent = rational(text);
      const read = readNumber(text);
      assert(areEqual(saidBy(read), sent), `${text} became ${stringifyJson(read)}`);
      const isDigits = /^-?\d+$/.test(text);
      const nearest = Number(text);
      const isHeld = isDigits
        ? Number.isSafeInteger(nearest)
        : Number.isFinite(nearest) && areEqual(rational(String(nearest)), sent);
      const whole = wholeDigitsOf(sent)?.replace("-", "");
      const isBigint = whole !== undefined && whole.length <= 309 && (isDigits || !isSpelled(text));
      assertEquals(typeof read, isHeld ? "number" : isBigint ? "bigint" : "object", text);
      if (typeof read === "object") assertEquals(read.rawJSON, text);
    }),
    { numRuns: 3_000 },
  );
});

Deno.test("two numbers have the same text where they are equal, and there alone", () => {
  const respelled = fc.tuple(jsonNumber, fc.nat(5)).map(([text, zeros]) => {
    const { mantissa, exponent } = rational(text);
    return [text, `${mantissa}${"0".repeat(zeros)}e${exponent - zeros}`] as const;
  });
  fc.assert(
    fc.property(respelled, jsonNumber, ([text, other], third) => {
      assertEquals(numberText(readNumber(other)), numberText(readNumber(text)), `${other} and ${text}`);
      const isSame = areEqual(rational(third), rational(text));
      assertEquals(
        numberText(readNumber(third)) === numberText(readNumber(text)),
        isSame,
        `${third} and ${text}`,
      );
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("the text of a number spells it, and of a whole one is its digits", () => {
  fc.assert(
    fc.property(jsonNumber, (text) => {
      const spelled = numberText(readNumber(text));
      assert(areEqual(rational(spelled), rational(text)), `${text} is told as ${spelled}`);
      const again = spelledNumber(spelled);
      assert(again !== undefined && numberText(again) === spelled);
      const whole = wholeDigitsOf(rational(text));
      if (whole !== undefined && whole.length <= 309) assertEquals(spelled, whole);
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("whatever a program writes a double as, a getter of numbers gives that double", () => {
  fc.assert(
    fc.property(double, (value) => {
      for (const text of [JSON.stringify(value), value.toExponential(), value.toPrecision(17)]) {
        const read = spelledNumber(text)!;
        // 17 digits alone are a whole number, which a double may be written as and does not write by itself.
        const isOther = typeof read === "bigint" && read.toString() !== numberText(value);
        assertEquals(doubleOf(read), isOther ? undefined : text === "0" ? 0 : value, text);
        if (isOther) assert(/^-?\d{17}$/.test(text), text);
      }
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("a whole number is had as a bigint, however it is written, up to 309 digits", () => {
  const whole = (text: string) => wholeOf(spelledNumber(text)!);
  fc.assert(
    fc.property(fc.bigInt({ min: -(10n ** 308n), max: 10n ** 308n }), fc.nat(40), (value, zeros) => {
      assertEquals(whole(value.toString()), value);
      assertEquals(whole(`${value}e0`), value);
      assertEquals(whole(`${value}.${"0".repeat(zeros)}`), value);
      assertEquals(whole(`${value}${"0".repeat(zeros)}e-${zeros}`), value);
    }),
  );
  assertEquals(whole("1e308"), 10n ** 308n);
  for (const none of ["1e400", "0.5", "1e-400", "9".repeat(310), "1.0000000000000000001"]) {
    assertEquals(whole(none), undefined, none);
  }
});

Deno.test("a text spells a number in decimal alone", () => {
  for (const text of ["7", "+7", "007", "7.", ".5", "-.5e1", "1E3", "00.50", "9007199254740993", "-0"]) {
    assert(spelledNumber(text) !== undefined, text);
  }
  assertEquals(["+007", ".50", "7.", "-.5e1"].map((text) => spelledNumber(text)), [7, 0.5, 7, -5]);
  assertEquals(stringifyJson(spelledNumber("+.1234567890123456789")!), "0.1234567890123456789");
  assertEquals(stringifyJson(spelledNumber("-0001e400")!), "-1e400");
  for (
    const text of [
      "",
      " 5",
      "5 ",
      "0x10",
      "0b1",
      "0o7",
      "1_0",
      "Infinity",
      "NaN",
      ".",
      "e5",
      "1e",
      "--1",
      "1.2.3",
    ]
  ) {
    assertEquals(spelledNumber(text), undefined, text);
  }
});

Deno.test("numbers of a million characters are read and told apart in no time", () => {
  const many = 1_000_000;
  const texts = [
    "9".repeat(many),
    `1.${"0".repeat(many)}1`,
    `0.${"0".repeat(many)}1`,
    `1e${"9".repeat(many)}`,
    `${"9".repeat(many)}x`,
    `1${"0".repeat(many)}`,
  ];
  const start = performance.now();
  const told = texts.map((text) => spelledNumber(text)).map((value) =>
    value === undefined ? "" : numberText(value)
  );
  assertEquals(new Set(told).size, texts.length);
  // A way that looks at all pairs of characters takes minutes.
  assert(performance.now() - start < 20_000);
});

/** Strings that look like what is put in the place of numbers, and keys that are none. */
const TRICKY = [
  '"\\u00000"',
  '["\\u00001",1e400]',
  '"\\\\u00000"',
  '["a\\\\",1e400,"\\"1e400"]',
  '["\\\\\\"",1e400,"x"]',
  '{"\\u0000":1e400}',
];

const json = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: "small" },
    jsonNumber,
    double.map((value) => JSON.stringify(value)),
    fc.constantFrom(
      ...TRICKY,
      "true",
      "false",
      "null",
      '"-1e400"',
      '" :1e5"',
      '"9007199254740993"',
      '"\\"1e5"',
    ),
    fc.string().map((value) => JSON.stringify(value)),
    fc.array(tie("value"), { maxLength: 4 }).map((parts) => `[${parts.join(" , ")}]`),
    fc.array(fc.tuple(fc.constantFrom("a", "b", "__proto__", "1e5", ""), tie("value")), { maxLength: 4 })
      .map((entries) => `{${entries.map(([key, value]) => `"${key}": ${value}`).join(",")}}`),
  ),
})).value;

Deno.test("JSON text is read exactly, and the quick look at it never misses a number that asks for it", () => {
  fc.assert(
    fc.property(json, (text) => {
      const bytes = new TextEncoder().encode(text);
      const exact = parseExactly(text);
      assertEquals(stringifyJson(exact), stringifyJson(byReviver(text)));
      assertEquals(decodeContent(Encoding.Json, bytes), exact);
      assertEquals(parseJson(text), exact);
      if (holdsMoreThanDoubles(exact, JSON.parse(text))) assert(checkJsonLimits(bytes, CONTENT_LIMITS), text);
      const written = stringifyJson(exact);
      assertEquals(stringifyJson(parseJson(written)), written);
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("ordinary JSON is not read twice: no number that a double is written as asks for the exact way", () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => {
    const text = JSON.stringify(value);
    const isLong = /(?<![\d.])\d{16,}(?![\d.e])/.test(text);
    if (!isLong) assertEquals(checkJsonLimits(new TextEncoder().encode(text), CONTENT_LIMITS), false, text);
  }));
});

Deno.test("what is no JSON is refused, whatever its numbers are like", () => {
  const texts = [
    "1e5e5",
    "[1.2.3.4.5.6.7.8.9.0.1]",
    "[01234567890123456789]",
    "1234567890123456789-",
    '{"a":1e}',
    "[+1e400]",
    "{1e400:1}",
    '{"a":1, 1e400 :2}',
    "1e400 1e400",
    "[1e400",
    "true1e400",
    '"1e400',
    "--1e400",
    "[-]",
  ];
  for (const text of texts) {
    assertThrows(
      () => decodeContent(Encoding.Json, new TextEncoder().encode(text)),
      ProtocolError,
      "not JSON",
    );
    assertThrows(() => parseJson(text), SyntaxError);
  }
});

/** What JSON.parse tells a reviver of each number. */
function byReviver(text: string): unknown {
  const parse = JSON.parse as (
    text: string,
    reviver: (key: string, value: unknown, context: { source: string }) => unknown,
  ) => unknown;
  return parse(text, (_, value, { source }) => typeof value === "number" ? readNumber(source) : value);
}

function holdsMoreThanDoubles(exact: JsonValue, plain: JsonValue): boolean {
  if (typeof plain === "number") return typeof exact !== "number";
  if (typeof plain !== "object" || plain === null) return false;
  const entries = Object.entries(plain);
  return entries.some(([key, value]) => holdsMoreThanDoubles(Reflect.get(exact as object, key), value));
}
