import { Chain } from "./chain.ts";

/** What a dead letter costs beside its bytes; an estimate. */
const LETTER_BYTES = 256;

/** An async operation that has failed for good. */
export interface DeadLetter {
  readonly id: number;
  readonly command: number;
  /** The encoding of the content; an `Encoding` of the protocol. */
  readonly encoding: number;
  /** How often it was tried. */
  readonly attempts: number;
  /** Monotonic, in ms. */
  readonly acceptedAt: number;
  readonly failedAt: number;
  readonly content: Uint8Array;
  /** Why: the sentence, or the last reply as it came, which is decoded when somebody looks. */
  readonly error: string | { readonly encoding: number; readonly content: Uint8Array };
}

export interface DeadLimits {
  readonly maxOps: number;
  readonly maxBytes: number;
}

/** The operations that have failed for good, the newest of them: so many and so many bytes, then the oldest go. */
export class DeadLetters {
  bytes = 0;
  /** Not kept, or kept no more, for want of room. */
  dropped = 0;
  readonly #letters = new Chain<DeadLetter>();

  constructor(readonly limits: DeadLimits) {}

  get count(): number {
    return this.#letters.size;
  }

  keep(letter: DeadLetter): void {
    const { maxOps, maxBytes } = this.limits;
    if (maxOps === 0 || sizeOf(letter) > maxBytes) {
      this.dropped++;
      return;
    }
    this.#letters.add(letter);
    this.bytes += sizeOf(letter);
    while (this.#letters.size > maxOps || this.bytes > maxBytes) {
      this.removeOldest();
      this.dropped++;
    }
  }

  get oldest(): DeadLetter | null {
    return this.#letters.oldest?.value ?? null;
  }

  /** Gives up the oldest; there is one. */
  removeOldest(): void {
    const link = this.#letters.oldest!;
    this.#letters.remove(link);
    this.bytes -= sizeOf(link.value);
  }

  /** The oldest first. */
  letters(): Generator<DeadLetter> {
    return this.#letters.values();
  }

  /** Forgets all; returns how many. */
  clear(): number {
    const { size } = this.#letters;
    this.#letters.clear();
    this.bytes = 0;
    return size;
  }
}

function sizeOf({ content, error }: DeadLetter): number {
  const errorBytes = typeof error === "string" ? 2 * error.length : error.content.length;
  return LETTER_BYTES + content.length + errorBytes;
}
