import { assert, assertEquals, assertGreater } from "@std/assert";
import fc from "fast-check";
import { HdfError } from "../../src/hdf/error.ts";
import { jsonToHdf } from "../../src/hdf/json.ts";
import type { HdfNode } from "../../src/hdf/node.ts";
import { parseHdf } from "../../src/hdf/parse.ts";
import { writeHdf } from "../../src/hdf/write.ts";
import { ClearSilver, CLEARSILVER_NOTE, HAS_CLEARSILVER, linesOf } from "../support/clearsilver.ts";
import { jsonObjects } from "../support/json_objects.ts";
import { thorough } from "../support/thorough.ts";

const PIECES = [
  ...[" ", "\t", "\n", "\n\n", "\r", "=", ":", "{", "}", "[", "]", "#", "<<", "é", "键", "😀", "\u00a0"],
  ...[
    "EOM",
    "EOM ",
    "EOM1\n",
    "\nEOM\n",
    "x".repeat(117),
    "y".repeat(128),
    "EOM ".repeat(40),
    "z".repeat(4_100),
  ],
];
const text = fc.array(fc.constantFrom(...PIECES), { maxLength: 12 }).map((parts) => parts.join(""));
const name = fc.string({ unit: fc.constantFrom(..."abzAZ019_"), minLength: 1, maxLength: 8 });
const number = fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }));
const object = jsonObjects({ name, text, number });

/** A line of what sites write by hand; a copy takes from names that are set in other lines, or from nothing. */
const line = fc.oneof(
  fc.tuple(
    fc.constantFrom("a", "b.c", "u", "v.w", "k0"),
    fc.constantFrom(" = ", "=", " [type=102] = ", ' [type="100", x]= '),
    text,
  )
    .map(([key, sign, value]) => `${key}${sign}${value.replaceAll(/[\n\r]/g, "")}`),
  fc.tuple(fc.constantFrom("d", "e.f", "g [type=103]"), fc.constantFrom("u", "v", "v.w", "nothing", "a.x.y"))
    .map(([key, source]) => `${key} := ${source}`),
  fc.constantFrom("# a comment", "", "  \t", "a {", "n.m { # of n", "i [type=107] {", "}", "  }", "s {\n}"),
  fc.tuple(fc.constantFrom("t", "u"), text).map(([key, value]) => `${key} << _END\n${value}\n_END`),
);
const written = fc.array(line, { maxLength: 12 }).map((lines) => `${lines.join("\n")}\n`);

Deno.test({
  name:
    `ClearSilver itself reads what mevent writes, whatever the texts are, as mevent does${CLEARSILVER_NOTE}`,
  ignore: !HAS_CLEARSILVER,
  fn: async () => {
    await using reader = await ClearSilver.build();
    const texts = fc.sample(object, { numRuns: thorough(3_000, 1_000), seed: 8 }).map((value) =>
      writeHdf(jsonToHdf(value))
    );
    const trees = await reader.read(texts);
    assertEquals(trees.length, texts.length);
    for (const [index, sent] of texts.entries()) {
      assert(trees[index]?.whole, sent);
      assertEquals(trees[index]?.lines, linesOf(parseHdf(sent)), sent);
    }
  },
});

Deno.test({
  name: `what mevent takes, ClearSilver itself reads as the same tree${CLEARSILVER_NOTE}`,
  ignore: !HAS_CLEARSILVER,
  fn: async () => {
    await using reader = await ClearSilver.build();
    const texts = fc.sample(written, { numRuns: thorough(5_000, 1_500), seed: 8 });
    const trees = await reader.read(texts);
    assertEquals(trees.length, texts.length);
    let taken = 0;
    for (const [index, sent] of texts.entries()) {
      const tree = readOrRefused(sent);
      if (tree === undefined) continue;
      taken++;
      assert(trees[index]?.whole, sent);
      assertEquals(trees[index]?.lines, linesOf(tree), sent);
    }
    assertGreater(taken, 500);
  },
});

function readOrRefused(sent: string): HdfNode | undefined {
  try {
    return parseHdf(sent);
  } catch (error) {
    if (error instanceof HdfError) return undefined;
    throw error;
  }
}
