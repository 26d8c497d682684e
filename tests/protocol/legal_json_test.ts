import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { checkJson } from "../../src/protocol/body.ts";
import { isLegalJson } from "../../src/protocol/legal_json.ts";

// JSON that is only passed on is looked over in one pass: it takes and refuses what the parser does.

const encoder = new TextEncoder();
const LIMITS = { depth: 5, keys: 20 };

const PIECES = [
  ...'{}[]:,"\\/ \t\n\r-+.eE019abfnrtuxF\0\x1f\x7f\v\ufeffé€😀',
  ...[
    "{}",
    "[]",
    "true",
    "false",
    "null",
    "nul",
    "tru",
    '{"a":',
    '"a"',
    "1.5e-3",
    "-0",
    "01",
    "1.",
    ".5",
    "1e",
    "-",
    "\\u00e9",
    "\\ud800",
  ],
  ...['{"a":1}', "[1,2]", '"\\n"', "[[[[", "]]]]", '"a":1', "NaN", "Infinity", "//", "'a'", ",,", ",]", ",}"],
];
const pieces = fc.array(fc.constantFrom(...PIECES), { maxLength: 12 }).map((parts) =>
  encoder.encode(parts.join(""))
);
const legal = fc.tuple(fc.json(), fc.constantFrom(undefined, 1, "\t")).map(([text, indent]) =>
  encoder.encode(JSON.stringify(JSON.parse(text), undefined, indent))
);
/** One byte is another, or lost. */
const spoilt = fc.tuple(
  legal,
  fc.nat(),
  fc.constantFrom(...PIECES),
  fc.nat(255),
  fc.constantFrom("cut", "byte", "piece"),
)
  .map(([bytes, place, piece, byte, how]) => {
    const at = place % bytes.length;
    const middle = how === "cut" ? [] : how === "byte" ? [byte] : encoder.encode(piece);
    return new Uint8Array([...bytes.subarray(0, at), ...middle, ...bytes.subarray(at + 1)]);
  });
const anything = fc.uint8Array({ maxLength: 20 });

function isParsed(bytes: Uint8Array): boolean {
  try {
    checkJson(bytes, LIMITS);
    return true;
  } catch {
    return false;
  }
}

Deno.test("JSON is found legal in one pass where the parser reads it, within the same limits", () => {
  let taken = 0;
  fc.assert(
    fc.property(fc.oneof(pieces, legal, spoilt, anything), (bytes) => {
      // A mark at the start is left to the parser, and so is nothing at all.
      if (bytes.length === 0 || bytes[0] === 0xef) return;
      // What stands around it does not count.
      const amid = encoder.encode('"1}],0');
      const message = new Uint8Array([...amid, ...bytes, ...amid]);
      const found = isLegalJson(message, amid.length, amid.length + bytes.length, LIMITS);
      assertEquals(found, isParsed(bytes));
      if (found) taken++;
    }),
    { numRuns: 6000 },
  );
  assert(taken > 600, `only ${taken} were legal`);
});

Deno.test("each of the parser's rules is kept", () => {
  const texts = [
    ...[
      "{}",
      "[]",
      " [ ] ",
      '{"a":{"b":[1,-0,0.5,1e9,1E-9,1e+9,true,false,null,""]}}',
      '"\\"\\\\\\/\\b\\f\\n\\r\\t\\u00fF"',
      '"\x7f"',
    ],
    ...['"é€😀"', "12", "-1.25e10", '"\\ud800"', '{"a":1,"a":2}', '{"__proto__":1}'],
    ...[
      "",
      "{",
      "[",
      "[1",
      "[1,",
      "[1,]",
      "{,}",
      '{"a"}',
      '{"a":}',
      '{"a":1,}',
      "{1:2}",
      '{"a":1]',
      "[1}",
      "]",
      "1 2",
      "[] []",
    ],
    ...[
      "01",
      "-",
      "-01",
      "1.",
      ".5",
      "1e",
      "1e+",
      "+1",
      "--1",
      "1.e1",
      "tru",
      "truee",
      "True",
      "nul",
      "NaN",
      "'a'",
      '"',
      '"\\',
      '"\\"',
    ],
    ...[
      '"\\x"',
      '"\\u12"',
      '"\\u12G4"',
      '"\n"',
      '"\x1f"',
      "\v1",
      "\u00a01",
      "1\0",
      "[1 2]",
      "[[[[[[1]]]]]]",
      `[${"1,".repeat(21)}1]`,
    ],
  ];
  for (const text of texts) {
    const bytes = encoder.encode(text);
    if (text !== "") assertEquals(isLegalJson(bytes, 0, bytes.length, LIMITS), isParsed(bytes), text);
  }
  for (
    const bytes of [[0x22, 0xc3, 0x22], [0x22, 0xff, 0x22], [0x22, 0xed, 0xa0, 0x80, 0x22], [
      0x22,
      0xc0,
      0x80,
      0x22,
    ]]
  ) {
    assertEquals(isLegalJson(new Uint8Array(bytes), 0, bytes.length, LIMITS), false, bytes.join());
  }
});
