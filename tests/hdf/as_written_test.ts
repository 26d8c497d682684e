import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { isAsWritten } from "../../src/hdf/as_written.ts";
import { jsonToHdf } from "../../src/hdf/json.ts";
import { parseHdf } from "../../src/hdf/parse.ts";
import { writeHdf } from "../../src/hdf/write.ts";
import type { JsonObject } from "../../src/plugin.ts";

// Text that is as it would be written is found out without a tree: whatever it says yes to is given back by the tree, byte by byte.

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const LIMITS = { depth: 4, nodes: 12 };

/** Lines that are well written, and whatever may be wrong with them. */
const PIECES = [
  ...[
    "a = 1\n",
    "b = \n",
    "a_9 = x y\n",
    "c = é\t.\n",
    'd [type="102"]  = 7\n',
    "a{\n",
    "b{\n",
    "}\n",
    'e [type="108"] {\n',
  ],
  ...[
    "a =1\n",
    "a = 1",
    "a = 1 \n",
    "a =  1\n",
    " a = 1\n",
    "\n",
    "# x\n",
    "a.b = 1\n",
    "é = 1\n",
    "a : b\n",
    "a << EOM\nx\nEOM\n",
  ],
  ...[
    "a [type=102]  = 7\n",
    'a [type="x"]  = 7\n',
    'a [x="1"]  = 7\n',
    'a [type="102"] = 7\n',
    "{\n",
    "}",
    "a = \0\n",
    "\ufeff",
    "a",
  ],
  ...["#include x\n", "a = \v\n", "a\n", "[", " ", "=", "a := b\n", "a{\nb = 1\n}\n", "a = 1\na{\n"],
];
const pieces = fc.array(fc.constantFrom(...PIECES), { maxLength: 14 }).map((parts) =>
  encoder.encode(parts.join(""))
);
/** Lines that are well written, in the order of chance: braces and names may be right or not. */
const wellWritten = fc.array(fc.constantFrom(...PIECES.slice(0, 9)), { maxLength: 14 }).map((parts) =>
  encoder.encode(parts.join(""))
);
const name = fc.string({ unit: fc.constantFrom(..."abcAZ09_"), minLength: 1, maxLength: 3 });
const line = fc.string().filter((text) =>
  !/[\0\n]|^[ \t\v\f\r]|[ \t\v\f\r]$/.test(text) && text.isWellFormed()
);
const { tree } = fc.letrec<{ tree: JsonObject }>((tie) => ({
  tree: fc.dictionary(name, fc.oneof({ maxDepth: 3 }, line, fc.integer(), fc.boolean(), tie("tree")), {
    minKeys: 1,
    maxKeys: 3,
    noNullPrototype: true,
  }),
}));
const written = tree.map((object) => encoder.encode(writeHdf(jsonToHdf(object))));
/** One byte is another. */
const spoilt = fc.tuple(
  written,
  fc.nat(),
  fc.constantFrom(...' \n\0{}=[]".#a9'),
  fc.integer({ min: 0x80, max: 0xff }),
  fc.boolean(),
)
  .map(([bytes, at, character, high, isHigh]) => {
    const copy = bytes.slice();
    copy[at % copy.length] = isHigh ? high : character.charCodeAt(0);
    return copy;
  });

/** What the tree gives back, or null where there is none. */
function rewritten(bytes: Uint8Array): Uint8Array | null {
  try {
    return encoder.encode(writeHdf(parseHdf(decoder.decode(bytes), LIMITS), LIMITS.depth));
  } catch {
    return null;
  }
}

Deno.test("what is found to be as it would be written is given back by the tree, byte by byte", () => {
  let found = 0;
  fc.assert(
    fc.property(fc.oneof(pieces, wellWritten, written, spoilt), (bytes) => {
      // What stands around it does not count.
      const amid = encoder.encode("}\n" + "a = 1\n".repeat(4));
      const message = new Uint8Array([...amid, ...bytes, ...amid]);
      if (bytes.length === 0) return;
      const at = amid.length;
      if (!isAsWritten(message, at, at + bytes.length, LIMITS.depth, LIMITS.nodes)) return;
      found++;
      assertEquals(rewritten(bytes), bytes);
    }),
    { numRuns: 4000 },
  );
  assert(found > 400, `only ${found} were found`);
});

Deno.test("what an object is written as is found to be so", () => {
  fc.assert(
    fc.property(written, (bytes) => {
      assert(isAsWritten(bytes, 0, bytes.length, 64, 64), decoder.decode(bytes));
    }),
    { numRuns: 500 },
  );
  for (
    const text of [
      "uid = 1\nname = Zoë Müller\nnote = \n",
      'n [type="102"]  = 7\ntags [type="108"]  = \ntags{\n0 = a\n1 = b\n}\nuser{\nid [type="103"]  = 1\n}\n',
    ]
  ) {
    const bytes = encoder.encode(text);
    assert(isAsWritten(bytes, 0, bytes.length, 64, 64), text);
    assert(!isAsWritten(bytes, 0, bytes.length, 64, 2), `${text} has more than two names`);
  }
});
