import { MESSAGE_MUTATIONS, repairText } from "./message_mutations.ts";
import { Mutant } from "./mutant.ts";
import { BYTE_MUTATIONS } from "./mutations.ts";
import type { Random } from "./random.ts";

/** One message in so many is sent as it was recorded. */
const UNCHANGED = 16;
/** One in so many is one of the long ones. */
const LONG = 1024;
/** What counts as a long message, in bytes. */
const LONG_BYTES = 4096;
const MAX_MUTATIONS = 4;

/** Writes spoiled messages, one after the other, without allocating. */
export class Mutator {
  readonly #mutant = new Mutant();
  readonly #short: readonly Uint8Array[];
  readonly #long: readonly Uint8Array[];

  constructor(readonly random: Random, readonly corpus: readonly Uint8Array[]) {
    this.#short = corpus.filter(({ length }) => length < LONG_BYTES);
    this.#long = corpus.filter(({ length }) => length >= LONG_BYTES);
  }

  /** Writes the next message at `at`, of at most `room` bytes, and returns its length. */
  write(bytes: Uint8Array, at: number, room: number): number {
    const { random } = this;
    const mutant = this.#mutant;
    const isLong = this.#long.length > 0 && random.oneIn(LONG);
    mutant.begin(bytes, at, room, random.pick(isLong ? this.#long : this.#short));
    if (random.oneIn(UNCHANGED)) return mutant.length;
    for (let left = 1 + random.below(MAX_MUTATIONS); left > 0; left--) {
      random.pick(random.oneIn(2) ? BYTE_MUTATIONS : MESSAGE_MUTATIONS)(mutant, random, this.#short);
    }
    if (random.oneIn(2)) repairText(mutant);
    return mutant.length;
  }
}
