import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { HdfError } from "../../src/hdf/error.ts";
import type { HdfLimits } from "../../src/hdf/limits.ts";
import { parseHdf } from "../../src/hdf/parse.ts";
import { writeHdf } from "../../src/hdf/write.ts";

function rewritten(text: string): string {
  return writeHdf(parseHdf(text));
}

function refused(text: string, limits?: Partial<HdfLimits>): HdfError {
  return assertThrows(() => parseHdf(text, limits), HdfError);
}

const ERRORS: readonly (readonly [name: string, text: string, line: number, says: string])[] = [
  ["a name alone", "a = 1\n\nb\n", 3, '"b" is followed by the end of the line'],
  ["a sign of no kind", "a ! 1", 1, '"a" is followed by "! 1"'],
  ["a single <", "a < 1", 1, '"a" is followed by "< 1"'],
  ["no name", "a = 1\r\n\t= 1", 2, 'no name before "= 1"'],
  ["a name with a dash", "a-b = 1", 1, '"a" is followed by "-b = 1"'],
  ["a dot at the start", ".a = 1", 1, '".a" has an empty level'],
  ["a dot at the end", "a. = 1", 1, '"a." has an empty level'],
  ["two dots", "a..b = 1", 1, '"a..b" has an empty level'],
  ["an include", "a = 1\n  #include x\n", 2, "#include is not allowed"],
  ["a brace left open", "a {\n b {\n }\n", 1, "never closed"],
  ["a brace too many", "a {\n}\n}\n", 3, "closes nothing"],
  ["text after {", "a { b = 1 }\n", 1, 'nothing but a # comment may follow the "{"'],
  ["text after }", "a {\n} b = 1\n", 2, 'nothing may follow the "}"'],
  ["lines without terminator", "a <<\nx\n", 1, "no terminator"],
  ["lines without end", "b = 1\na << EOM\nx\ny\n", 2, 'add a line "EOM"'],
  ["lines, then an error", "a << EOM\nx\ny\nEOM\n?\n", 5, "no name before"],
  ["an attribute without name", "a [=1] = 1", 1, "attributes"],
  ["attributes left open", "a [type=102 = 1", 1, "attributes"],
  ["an attribute's quote left open", 'a [type="102] = 1', 1, "attributes"],
  ["a backslash before the end of the line", 'a [type="1\\\n"] = 1', 1, "attributes"],
  ["attributes alone", "a [type=102]\n", 1, "end of the line"],
  ["a NUL", "a = 1\nb = \0\n", 2, "NUL"],
  ["a link to nothing", "a = 1\nl : b\n", 2, 'points to "b", which is not there'],
  ["a link without target", "l :\n", 1, 'points to ""'],
  ["a link to itself", "a : a\n", 1, "leads back to itself"],
  ["a link below itself", "a : a.b\n", 1, "leads back to itself"],
  ["a link to what holds it", "a.x = 1\na.b : a\n", 2, "leads back to itself"],
  ["links in a circle", "a : b\nb : c\nc : a\n", 1, "leads back to itself"],
  ["a name below a link", "b.c = 1\na : b\na.c = 2\n", 3, '"a" is a link to "b"'],
  ["a brace on a link", "b.c = 1\na : b\na {\nd = 1\n}\n", 3, '"a" is a link to "b"'],
  ["a copy of a link to itself", "a : a\nb := a\n", 2, "comes after 32 links"],
  ["a copy from below a link to itself", "a : b.x\nb : a.x\nc := a\n", 3, "comes after 32 links"],
  ["a link on a node with children", "a.b = 1\na : c\n", 2, "has children"],
  ["a comment after }", "a {\n} # end\n", 2, 'nothing may follow the "}"'],
  ["a no-break space in a name", "a\u00a0b = 1\n", 1, "holds U+00A0, which cannot be seen"],
  ["an ideographic space before a name", "a = 1\n\u3000b = 1\n", 2, "holds U+3000"],
  ["a zero width space in a name", "x.\u200b = 1\n", 1, "holds U+200B"],
  ["a soft hyphen in a name", "a\u00ad {\n}\n", 1, "holds U+00AD"],
  ["a mark of direction in a name", "\u200ea << EOM\nEOM\n", 1, "holds U+200E"],
  ["a line separator in a name", "a\u2028b := c\n", 1, "holds U+2028"],
  ["a control of Latin-1 in a name", "a\u0085 = 1\n", 1, "holds U+0085"],
  ["a second byte order mark", "\ufeffa = 1\n", 1, "holds U+FEFF"],
  ["a filler of Hangul as a name", "\u3164 : a\n", 1, "holds U+3164"],
  ["an invisible tag beyond 16 bits in a name", "a\u{e0041} = 1\n", 1, "holds U+E0041"],
];

for (const [name, text, line, says] of ERRORS) {
  Deno.test(`HDF with ${name} is refused with line ${line}`, () => {
    const error = refused(text);
    assertStringIncludes(error.message, says);
    assertStringIncludes(error.message, `line ${line}:`);
    assertEquals(error.line, line);
  });
}

const READ: readonly (readonly [name: string, text: string, written: string])[] = [
  ["blank lines and CRs", "\r\n a = 1 \r\n\n\t b\t=\t2\t\r\n", "a = 1\nb = 2\n"],
  ["a last line without newline", "a = 1", "a = 1\n"],
  ["a comment that only looks like an include", "#include\n#includes x\na = 1\n", "a = 1\n"],
  ["a no-break space, which belongs to the value", "a = \u00a0x\u00a0\n", "a = \u00a0x\u00a0\n"],
  ["a value over a node with children", "a.b = 1\na = 2\n", "a = 2\na{\nb = 1\n}\n"],
  ["a brace that is opened again", "a {\nb = 1\n}\na {\nc = 2\n}\n", "a{\nb = 1\nc = 2\n}\n"],
  ["a dotted brace", "a.b {\nc.d = 1\n}\n", "a{\nb{\nc{\nd = 1\n}\n}\n}\n"],
  ["an empty brace", "a {\n}\n", "a = \n"],
  ["an empty brace with a type", "a [type=108] {\n}\n", 'a [type="108"]  = \n'],
  ["a comment behind a brace", "a { # of b\nb { #\nc = 1\n}\n}\n", "a{\nb{\nc = 1\n}\n}\n"],
  ["an attribute on a brace", "a [type=107] {\nb = 1\n}\n", 'a [type="107"] {\nb = 1\n}\n'],
  ["a type that a later value keeps", "a [type=102] = 1\na = 2\n", 'a [type="102"]  = 2\n'],
  ["no attributes in the brackets", "a [] = 1\n", "a = 1\n"],
  [
    "escapes in an attribute",
    'a [x="]\\"", type="\\061\\n\\\\\\q\\"\\1"] = 1\n',
    'a [type="1\\012\\\\q\\"\\001"]  = 1\n',
  ],
  ["attributes without comma", "a [ x  type = 102 , ] = 1\n", 'a [type="102"]  = 1\n'],
  ["no lines between the terminators", "a << EOM\nEOM\n", "a = \n"],
  ["a terminator at the very end", "a << E O\nx\nE O", "a << EOM\nx\nEOM\n"],
  ["a terminator before a CR", "a << EOM\r\nx\r\nEOM\r\nb = 1\r\n", "a << EOM\nx\r\nEOM\nb = 1\n"],
  ["a terminator that more text follows", "a << EOM\nEOM x\nEOM\n", "a << EOM1\nEOM x\nEOM1\n"],
  [
    "a link to what comes later",
    "l : a.b\na.b [type=102] = 5\n",
    'l [type="102"]  = 5\na{\nb [type="102"]  = 5\n}\n',
  ],
  ["a link to a tree", "l : a\na.b = 1\n", "l{\nb = 1\n}\na{\nb = 1\n}\n"],
  ["a link through a link", "l : k.b\nk : a\na.b = 1\n", "l = 1\nk{\nb = 1\n}\na{\nb = 1\n}\n"],
  [
    "a link with a type of its own",
    "l [type=103] : a\na [type=102] = 1\n",
    'l [type="103"]  = 1\na [type="102"]  = 1\n',
  ],
  ["a value in place of a link", "l : nowhere\nl = 1\n", "l = 1\n"],
  ["a link in place of a value", "l = 1\nl : a\na = 2\n", "l = 2\na = 2\n"],
  ["a copy of nothing, which is empty", "a := b\nb = 1\n", "a = \nb = 1\n"],
  ["a copy of what has children alone", "u.x = 1\nc := u\n", "u{\nx = 1\n}\nc = \n"],
  ["a copy of what has a value and children", "u = 1\nu.x = 2\nc := u\n", "u = 1\nu{\nx = 2\n}\nc = 1\n"],
  ["a copy without the type", "u [type=102] = 5\nc := u\n", 'u [type="102"]  = 5\nc = 5\n'],
  [
    "a copy with a type of its own",
    "u [type=102] = 5\nc [type=103] := u\n",
    'u [type="102"]  = 5\nc [type="103"]  = 5\n',
  ],
  ["a copy from below a name", "u.v.w = 1\nc := u.v.w\n", "u{\nv{\nw = 1\n}\n}\nc = 1\n"],
  ["a copy of itself", "a = 1\na := a\n", "a = 1\n"],
  ["a copy of what holds it", "a = 1\na.b := a\n", "a = 1\na{\nb = 1\n}\n"],
  ["a copy over children, which stay", "a = 2\nb.x = 9\nb := a\n", "a = 2\nb = 2\nb{\nx = 9\n}\n"],
  [
    "a copy inside a brace, which counts from the root",
    "u = 1\na {\nu = 2\nc := u\n}\n",
    "u = 1\na{\nu = 2\nc = 1\n}\n",
  ],
  ["a copy of a link to what is there", "l : a\na = 1\nm := l\n", "l = 1\na = 1\nm = 1\n"],
  ["a copy of a link to what comes later", "l : a\nm := l\na = 1\n", "l = 1\nm = \na = 1\n"],
  ["a copy from below a link", "b.c = 1\na : b\nd := a.c\n", "b{\nc = 1\n}\na{\nc = 1\n}\nd = 1\n"],
  ["a copy in place of a link", "l : nowhere\na = 1\nl := a\n", "l = 1\na = 1\n"],
  ["attributes that mean nothing here", 'a [nonl="1"] << EOM\nx\nEOM\n', "a << EOM\nx\nEOM\n"],
  ["a copy that later changes leave alone", "a = 1\nb := a\na = 2\n", "a = 2\nb = 1\n"],
];

for (const [name, text, written] of READ) {
  Deno.test(`HDF with ${name} is read`, () => {
    assertEquals(rewritten(text), written);
  });
}

Deno.test("64 levels are read and 65 are not, with braces, dots, copies and links", () => {
  const dotted = (levels: number) => Array(levels).fill("a").join(".");
  assertEquals(rewritten(`${dotted(64)} = 1\n`).split("a{").length, 64);
  assertEquals(refused(`x = 1\n${dotted(65)} = 1\n`).line, 2);
  assert(rewritten("a {\n".repeat(64) + "}\n".repeat(64)).length > 0);
  assertEquals(refused("a {\n".repeat(65) + "}\n".repeat(65)).line, 65);
  assert(rewritten(`${dotted(64)} = 1\n${dotted(64)} := ${dotted(64)}\n`).length > 0);
  assertEquals(refused(`${dotted(64)} = 1\n${dotted(65)} := a\n`).line, 2);
  assert(rewritten(`${dotted(63)} = 1\nb.c : a\n`).length > 0);
  assertEquals(refused(`${dotted(63)} = 1\nb.c.d : a\n`).line, 2);
});

Deno.test("30,000 levels are refused at the first one too deep", () => {
  assertEquals(refused("a {\n".repeat(30_000)).line, 65);
  assertEquals(refused(`${"a.".repeat(30_000)}a = 1`).line, 1);
  assertEquals(refused(`a = 1\nb : ${"a.".repeat(30_000)}a`).line, 2);
});

Deno.test("the limit on names is exact and counts copies and links", () => {
  assertEquals(parseHdf("a = 1\nb.c = 1\n", { nodes: 3 }).size, 2);
  assertEquals(refused("a = 1\nb.c = 1\n", { nodes: 2 }).line, 2);
  assertEquals(refused("a.b = 1\nc.d := a\n", { nodes: 3 }).line, 2);
  assertEquals(refused("a.b = 1\nc : a\n", { nodes: 3 }).line, 2);
});

Deno.test("links that double the tree again and again stop at a limit", () => {
  let text = "a0.x = 1\n";
  for (let i = 1; i < 60; i++) text += `a${i}.l : a${i - 1}\na${i}.r : a${i - 1}\n`;
  assertStringIncludes(refused(text).message, "more than");
});

Deno.test("copies by way of links that each lead through all the others stop at the limit on repeated text", () => {
  const far = Array(30).fill("y").join(".");
  let text = "";
  for (let i = 0; i < 30; i++) text += `r${i}.y : r${i + 1}.${far}\n`;
  assertStringIncludes(refused(`${text}r30.y : r0\nc := r0.y\n`).message, "link");
  assertStringIncludes(refused(`${text.repeat(2)}r30 = 1\nc := r0.${far}\nd := r1.${far}\n`).message, "r30");
});

Deno.test("copies of a long value stop at the limit on repeated text", () => {
  let text = `a = ${"x".repeat(30_000)}\n`;
  for (let i = 0; i < 1_000; i++) text += `b${i} := a\n`;
  assertStringIncludes(refused(text).message, "repeat more than 1048576 characters");
  assertStringIncludes(refused(text.replaceAll(":=", ":")).message, "repeat more than 1048576 characters");
});

Deno.test("a chain of 32 links is followed and one of 33 is refused", () => {
  const chain = (links: number) => {
    let text = "";
    for (let i = 0; i < links; i++) text += `l${i} : l${i + 1}\n`;
    return `${text}l${links} = 1\n`;
  };
  assertEquals(parseHdf(chain(32)).get("l0")?.value, "1");
  assertEquals(refused(chain(33)).line, 33);
});

Deno.test("the longest chain of links, each at the deepest level, does not use up the stack", () => {
  const deep = Array(62).fill("d").join(".");
  let text = "";
  for (let i = 0; i < 32; i++) text += `l${i}.${deep} : l${i + 1}.${deep}\n`;
  assert(rewritten(`${text}l32.${deep} = 1\n`).length > 0);
});
