import { assertEquals, assertThrows } from "@std/assert";
import { HdfError } from "../../src/hdf/error.ts";
import { parseHdf } from "../../src/hdf/parse.ts";
import { writeHdf } from "../../src/hdf/write.ts";

/** What the C daemon's echo was sent and what it wrote back; the texts of recorded exchanges, without the NUL. */
const ECHOED: readonly (readonly [name: string, sent: string, written: string])[] = [
  ["flat", "a = 1\nname = bob\nx_y = z9\n", "a = 1\nname = bob\nx_y = z9\n"],
  ["a node with value and child", "n = val\nn{\nc = child\n}\n", "n = val\nn{\nc = child\n}\n"],
  ["a Chinese key", "键 = 值\n", "键 = 值\n"],
  ["lines", "nl << EOM\nl1\nl2\nEOM\n", "nl << EOM\nl1\nl2\nEOM\n"],
  ["quotes", "q = say \"hi\" it's \\back\\slash\nr = 'x'\n", "q = say \"hi\" it's \\back\\slash\nr = 'x'\n"],
  ["an empty text", "", ""],
  ["an empty value", "cacheval = \n", "cacheval = \n"],
  ["a comment", "# c\na = 1\n", "a = 1\n"],
  ["a copy", "a = 1\nl := a\n", "a = 1\nl = 1\n"],
  ["a repeated name", "a = 1\na = 2\n", "a = 2\n"],
  ["a dotted name", "a.b.c = 1\n", "a{\nb{\nc = 1\n}\n}\n"],
  ["the pretty form", "user {\n  id = 7\n  name = bob\n}\n", "user{\nid = 7\nname = bob\n}\n"],
  ["a value with an equals sign", "a = b = c\n", "a = b = c\n"],
  ["a line that starts like the terminator", "a << EOM\nx\nEOMx\ny\nEOM\n", "a << EOM\nx\nEOMx\ny\nEOM\n"],
  [
    "an error reply",
    'Output{\nerrtrace << EOM\nline\n后台缓存获取失败: miss k1\nEOM\nerrcode [type="102"]  = 24\nerrmsg = m\n}\n',
    'Output{\nerrtrace << EOM\nline\n后台缓存获取失败: miss k1\nEOM\nerrcode [type="102"]  = 24\nerrmsg = m\n}\n',
  ],
];

for (const [name, sent, written] of ECHOED) {
  Deno.test(`HDF with ${name} is written back as the C daemon writes it`, () => {
    assertEquals(writeHdf(parseHdf(sent)), written);
  });
}

Deno.test("attributes other than type are dropped, and type is written in quotes", () => {
  assertEquals(writeHdf(parseHdf('a [type=102] = 1\nb [x, y="q r"] = 2\n')), 'a [type="102"]  = 1\nb = 2\n');
});

Deno.test("a text that holds the usual terminator gets another one, always the same", () => {
  assertEquals(writeHdf(parseHdf("nl << PLDSS\nl1\nEOM\nl2\nPLDSS\n")), "nl << EOM1\nl1\nEOM\nl2\nEOM1\n");
});

const REFUSED: readonly (readonly [name: string, text: string, line: number])[] = [
  ["an include", 'a = 1\n#include "/etc/passwd"\nb = 2\n', 2],
  ["an unclosed brace", "a {\n b = 1\n", 1],
  ["a brace that closes nothing", "a = 1\n}\nb = 2\n", 2],
  ["a name alone", "a\n", 1],
  ["an empty name", " = 1\n", 1],
];

for (const [name, text, line] of REFUSED) {
  Deno.test(`HDF with ${name}, which the C daemon cut short in silence, is refused with its line`, () => {
    assertEquals(assertThrows(() => parseHdf(text), HdfError).line, line);
  });
}
