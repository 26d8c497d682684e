import { CellType } from "../../src/protocol/cells.ts";
import type { Mutant } from "./mutant.ts";
import { type Mutation, setEdge } from "./mutations.ts";
import type { Random } from "./random.ts";

const VERSION_AT = 0;
const COMMAND_AT = 4;
const FLAGS_AT = 7;
const NAME_LENGTH_AT = 8;
const NAME_AT = 12;
/** Offsets in the first cell of a body. */
const CELL_NAME_LENGTH = 4;
const CELL_NAME = 8;
const TEXT_LENGTH = 12;
const TEXT = 16;
/** The EOF cell behind a text. */
const EOF_BYTES = 4;

const encode = (text: string) => new TextEncoder().encode(text);
const COMMANDS = [0, 1, 99, 100, 101, 102, 103, 104, 999, 1000, 1001, 1002, 1003, 1004, 1005, 0x7fff, 0xffff];
const NAMES = [
  ...["echo", "skeleton", "params", "1", "3", "8", "03", "-1", "65536", "", "Reserve", "Reserve.Status"],
  ...[
    "Reserve.Stats",
    "Reserve.Statu",
    "Reserve.Status\0",
    "echo\0",
    "__proto__",
    "n".repeat(64),
    "n".repeat(300),
  ],
].map(encode);
/** What HDF and JSON give a meaning, and bytes that are no UTF-8. */
const PIECES = [
  ...['"', "\\", "\\u0000", "\\ud800", "{", "}", "[", "]", ",", ":", "null", "true", "-0", "1e999", "-"],
  ...[
    "0.1e-400",
    "18446744073709551616",
    '"__proto__":{',
    '"constructor":',
    "\n",
    "\r\n",
    "\0",
    "#include x\n",
  ],
  ...[
    "a : b\n",
    "b : a\n",
    "a := a\n",
    "a : a\n",
    "a.b.c = 1\n",
    "a{\n",
    "}\n",
    "a << EOM\n",
    "\nEOM\n",
    "EOM",
  ],
  ...[
    ' [type="102"] = ',
    ' [type="108"] = \n',
    ' [type="100"] << X\n',
    " [",
    "0 = 1\n",
    ".",
    "..",
    " = ",
    "\u2028",
  ],
  ...['"mevent.delay":1,', '"mevent.key":"k",', "mevent.delay = 1\n", "mevent.key = k\n", "cachekey = k\n"],
].map(encode).concat(
  [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80]].map((b) => new Uint8Array(b)),
);
const TEXT_NAMES = ["root", "json", "rooT"].map(encode);
/** Repeated many times it nests: HDF, JSON, and an ARRAY cell of one element without a name. */
const NESTS = [
  encode("a{\n"),
  encode('{"a":'),
  encode("["),
  encode("a."),
  new Uint8Array([0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 1]),
];
const MAX_NESTING = 300;
const CELL_TYPES = [...Object.values(CellType), 5, 0x7fffffff, 0xffffffff];

const version: Mutation = (mutant, random) => mutant.setByte(VERSION_AT, random.next());

const command: Mutation = (mutant, random) => {
  const value = random.pick(COMMANDS);
  mutant.setByte(COMMAND_AT, value >>> 8);
  mutant.setByte(COMMAND_AT + 1, value);
};

const flags: Mutation = (mutant, random) => mutant.setByte(FLAGS_AT, random.next());

const name: Mutation = (mutant, random) => {
  if (mutant.length < NAME_AT) return;
  const value = random.pick(NAMES);
  mutant.remove(NAME_AT, mutant.bodyAt - NAME_AT);
  mutant.insertBytes(NAME_AT, value);
  mutant.setU32(NAME_LENGTH_AT, value.length);
};

const nameLength: Mutation = (mutant, random) => setEdge(mutant, random, NAME_LENGTH_AT);

const cellType: Mutation = (mutant, random) => mutant.setU32(aCell(mutant, random), random.pick(CELL_TYPES));

const cellNameLength: Mutation = (mutant, random) =>
  setEdge(mutant, random, aCell(mutant, random) + CELL_NAME_LENGTH);

const encoding: Mutation = (mutant, random) => {
  const value = random.pick(TEXT_NAMES);
  for (let i = 0; i < value.length; i++) mutant.setByte(mutant.bodyAt + CELL_NAME + i, value[i]!);
};

const textLength: Mutation = (mutant, random) => setEdge(mutant, random, mutant.bodyAt + TEXT_LENGTH);

const piece: Mutation = (mutant, random) => mutant.insertBytes(inText(mutant, random), random.pick(PIECES));

const nest: Mutation = (mutant, random) => {
  const value = random.pick(NESTS);
  const at = value.length === NESTS.at(-1)!.length ? mutant.bodyAt : inText(mutant, random);
  for (let i = random.below(MAX_NESTING); i > 0; i--) mutant.insertBytes(at, value);
};

/** What knows where things stand in a request. */
export const MESSAGE_MUTATIONS: readonly Mutation[] = [
  ...[version, command, command, flags, name, name, nameLength, cellType, cellType, cellNameLength, encoding],
  ...[textLength, textLength, piece, piece, piece, piece, nest],
];

/** Makes the text of a body as long as it says, and ends HDF in its NUL, so that what was changed in it is read. */
export function repairText(mutant: Mutant): void {
  const at = mutant.bodyAt;
  const length = mutant.length - at - TEXT - EOF_BYTES;
  if (length < 1 || mutant.u32(at) !== CellType.String) return;
  mutant.setU32(at + TEXT_LENGTH, length);
  if (mutant.byte(at + CELL_NAME) === 0x72) mutant.setByte(at + TEXT + length - 1, 0);
}

/** Where a cell may begin: the first one, or anywhere behind it. */
function aCell(mutant: Mutant, random: Random): number {
  const at = mutant.bodyAt;
  return random.oneIn(2) ? at : at + random.below(mutant.length - at);
}

/** Somewhere in the text of the first cell. */
function inText(mutant: Mutant, random: Random): number {
  const at = Math.min(mutant.length, mutant.bodyAt + TEXT);
  return at + random.below(mutant.length - at - EOF_BYTES);
}
