import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { isExactNumber, spelledNumber } from "../../src/exact_number.ts";
import { FlatText } from "../../src/hdf/flat_text.ts";
import { hdfToJson } from "../../src/hdf/json.ts";
import { parseHdf } from "../../src/hdf/parse.ts";
import { OperationParams } from "../../src/host/params.ts";
import { Encoding } from "../../src/protocol/body.ts";
import { CONTENT_LIMITS } from "../../src/protocol/content_limits.ts";
import { ProtocolError } from "../../src/protocol/errors.ts";

// Lines of `name = value` are read without a tree: what comes of that is what the tree would have given, key by key.

const MAX_NAMES = 8;
const PIECES = [
  ...[
    "a = 1\n",
    "b=\n",
    "c =  x y \t\n",
    "__proto__ = 1\n",
    "constructor = 1\n",
    "10 = x\n",
    "2 = y\n",
    "é = 1\n",
    "d = é\u00a0\n",
    "e = \ufeff",
  ],
  ...[
    'f [type="102"]  = 7\n',
    'g [type="103"] = 9007199254740993\n',
    'h [type="101"]  = 1\n',
    'i [type="101"] = true\n',
    'j [type="104"] = 1.5\n',
  ],
  ...[
    'k [type="100"] = x\n',
    'l [type="102"] = x\n',
    "m [type=102] = 7\n",
    'n [type="10"] = 7\n',
    'o [type="102"\n',
    'p [type="102"] {\n',
    'q [type="102"] = \n',
  ],
  ...[
    "r.s = 1\n",
    "t {\n",
    "}\n",
    "u : a\n",
    "v := a\n",
    "w << EOM\nx\nEOM\n",
    "# x\n",
    "#include x\n",
    "\n",
    " x = 1\n",
    "y",
    "y =",
    "z = \0\n",
    "a = 2\n",
    "=",
    "A = -0\n",
  ],
  ...['B [type="102"] = -0\n', 'C [type="102"] = +007\n', "D\t= 1\n", "E =\v1\r\n"],
];
const text = fc.oneof(
  fc.array(fc.constantFrom(...PIECES), { maxLength: 10 }).map((parts) => parts.join("")),
  fc.array(
    fc.tuple(fc.string({ unit: fc.constantFrom(..."abcAZ09_"), minLength: 1, maxLength: 3 }), fc.string()),
    { maxLength: 5 },
  )
    .map((lines) => lines.map(([name, value]) => `${name} = ${value}\n`).join("")),
  fc.array(fc.constantFrom(...' \t\n\v=:{}[]#."\\<_09aé\0', "type", '[type="102"]'), { maxLength: 30 }).map((
    parts,
  ) => parts.join("")),
);

Deno.test("what is read of lines without a tree is what the tree gives, and holds no number that is to be exact", () => {
  let read = 0;
  fc.assert(
    fc.property(text, (text) => {
      const flat = FlatText.read(text, MAX_NAMES);
      if (flat === undefined) return;
      read++;
      const object = flat.object();
      const json = hdfToJson(parseHdf(text, { depth: 1, nodes: MAX_NAMES }));
      assertEquals(Object.entries(object), Object.entries(json));
      for (const [name, value] of Object.entries(object)) {
        assert(!isExactNumber(value) && typeof value !== "bigint");
        assertEquals(flat.find(name), value);
      }
      for (const name of ["", "none", "a.b", "toString", "a = 1"]) {
        assertEquals(flat.find(name), Object.hasOwn(json, name) ? json[name] : undefined);
      }
    }),
    { numRuns: 6000 },
  );
  assert(read > 600, `only ${read} were read`);
});

Deno.test("what short digits spell is the number that any text is read as", () => {
  const digits = fc.oneof(
    fc.string({ unit: fc.constantFrom(..."0123456789"), maxLength: 18 }),
    fc.string({ unit: fc.constantFrom(..."0159+-.eE :/"), maxLength: 6 }),
  );
  fc.assert(
    fc.property(digits, (text) => {
      const content = new TextEncoder().encode(`n = ${text}\n`);
      const params = new OperationParams(Encoding.Hdf, content, 0, content.length, CONTENT_LIMITS);
      const spelled = spelledNumber(text.trim());
      if (typeof spelled === "number" && Number.isSafeInteger(spelled)) {
        assertEquals(params.int("n"), spelled);
      } else assertThrows(() => params.int("n"), ProtocolError);
    }),
    { numRuns: 1000 },
  );
});

Deno.test("params as callers write them are read without a tree", () => {
  assertEquals(FlatText.read("uid = 7\nname=Zoë Müller \nnote = ", 3)?.object(), {
    uid: "7",
    name: "Zoë Müller",
    note: "",
  });
  assertEquals(FlatText.read('n [type="102"]  = 7\nok [type="101"]  = 0\n', 2)?.object(), {
    n: 7,
    ok: false,
  });
  assertEquals(FlatText.read("", 0)?.object(), {});
  assertEquals(FlatText.read("a = 1\nb = 2\n", 1), undefined);
});
