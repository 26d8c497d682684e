import type { Mutant } from "./mutant.ts";
import type { Random } from "./random.ts";

/** One way to spoil a message. */
export type Mutation = (mutant: Mutant, random: Random, corpus: readonly Uint8Array[]) => void;

/** The longest run of bytes that is changed, doubled or taken out at once. */
const MAX_RUN = 64;
const EDGES = [0, 1, 2, 4, 8, 0x7f, 0xff, 0x7fff, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff];

const flipBit: Mutation = (mutant, random) => {
  const at = random.below(mutant.length);
  mutant.setByte(at, mutant.byte(at) ^ (1 << random.below(8)));
};

const setByte: Mutation = (mutant, random) => {
  mutant.setByte(random.below(mutant.length), random.next());
};

const scramble: Mutation = (mutant, random) => {
  const at = random.below(mutant.length);
  const count = 1 + random.below(MAX_RUN);
  for (let i = 0; i < count; i++) mutant.setByte(at + i, random.next());
};

const cutOff: Mutation = (mutant, random) => mutant.cut(1 + random.below(mutant.length));

const extend: Mutation = (mutant, random) => {
  const end = mutant.length;
  const count = mutant.insert(end, 1 + random.below(MAX_RUN));
  const byte = random.next();
  for (let i = 0; i < count; i++) mutant.setByte(end + i, random.oneIn(2) ? byte : random.next());
};

const double: Mutation = (mutant, random) => {
  // What stood there stands there twice: a gap holds what it held.
  mutant.insert(random.below(mutant.length), 1 + random.below(MAX_RUN));
};

const takeOut: Mutation = (mutant, random) => {
  if (mutant.length > 1) mutant.remove(random.below(mutant.length), 1 + random.below(MAX_RUN));
};

const splice: Mutation = (mutant, random, corpus) => {
  const other = random.pick(corpus);
  const at = random.below(mutant.length);
  const from = random.oneIn(2) ? Math.min(at, other.length) : random.below(other.length);
  mutant.cut(at);
  mutant.insertBytes(mutant.length, other.subarray(from));
};

/** Any four bytes as a length: an edge, one off, or just what is left and one more or less. */
const edgeNumber: Mutation = (mutant, random) => {
  if (mutant.length >= 4) setEdge(mutant, random, random.below(mutant.length - 3));
};

/** Sets the number at the offset to what a careless reader stumbles over. */
export function setEdge(mutant: Mutant, random: Random, at: number): void {
  if (at + 4 > mutant.length) return;
  const left = mutant.length - at - 4;
  switch (random.below(4)) {
    case 0:
      return mutant.setU32(at, mutant.u32(at) + 1);
    case 1:
      return mutant.setU32(at, mutant.u32(at) - 1);
    case 2:
      return mutant.setU32(at, left - 1 + random.below(3));
    default:
      return mutant.setU32(at, random.pick(EDGES));
  }
}

/** What knows nothing of the protocol. */
export const BYTE_MUTATIONS: readonly Mutation[] = [
  flipBit,
  flipBit,
  setByte,
  scramble,
  cutOff,
  extend,
  double,
  takeOut,
  splice,
  edgeNumber,
  edgeNumber,
];
