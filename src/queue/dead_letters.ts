import { Chain, type Link } from "./chain.ts";

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
  /** Of the last reply; null where it has failed without one. */
  readonly code: number | null;
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
  /** Told of each that is kept, and of each that is kept no more; null where they are in memory alone. */
  keeper: { buried(letter: DeadLetter): void; unburied(id: number): void } | null = null;
  readonly #letters = new Chain<DeadLetter>();
  readonly #byId = new Map<number, Link<DeadLetter>>();

  /** @param onDropped told of each that goes for newer ones */
  constructor(public limits: DeadLimits, readonly onDropped: (letter: DeadLetter) => void = () => {}) {}

  get count(): number {
    return this.#letters.size;
  }

  /** Whether one can be kept without another going for it. */
  hasRoom(letter: DeadLetter): boolean {
    const { maxOps, maxBytes } = this.limits;
    return this.#letters.size < maxOps && this.bytes + sizeOf(letter) <= maxBytes;
  }

  /** Keeps one as the newest; false where there is no room for it. */
  keep(letter: DeadLetter): boolean {
    const { maxOps, maxBytes } = this.limits;
    if (maxOps === 0 || sizeOf(letter) > maxBytes) {
      this.dropped++;
      return false;
    }
    this.keeper?.buried(letter);
    this.#add(letter);
    return true;
  }

  /** Keeps one again that was kept before, as the newest. */
  restore(letter: DeadLetter): void {
    const { maxOps, maxBytes } = this.limits;
    if (maxOps > 0 && sizeOf(letter) <= maxBytes) return this.#add(letter);
    this.keeper?.unburied(letter.id);
    this.dropped++;
    this.onDropped(letter);
  }

  #add(letter: DeadLetter): void {
    const known = this.#link(letter.id);
    if (known !== null) this.#remove(known);
    this.#byId.set(letter.id, this.#letters.add(letter));
    this.bytes += sizeOf(letter);
    this.#shrink();
  }

  /** Changes the bounds; the oldest that are over them go. */
  bound(limits: DeadLimits): void {
    this.limits = limits;
    this.#shrink();
  }

  #shrink(): void {
    const { maxOps, maxBytes } = this.limits;
    while (this.#letters.size > maxOps || this.bytes > maxBytes) {
      const letter = this.#letters.oldest!.value;
      this.#remove(this.#letters.oldest!);
      this.keeper?.unburied(letter.id);
      this.dropped++;
      this.onDropped(letter);
    }
  }

  get oldest(): DeadLetter | null {
    return this.#letters.oldest?.value ?? null;
  }

  /** The one of the operation with that id; null where there is none. */
  find(id: number): DeadLetter | null {
    return this.#link(id)?.value ?? null;
  }

  /** Gives up the one of the operation with that id; false where there is none. */
  remove(id: number): boolean {
    const link = this.#link(id);
    if (link === null) return false;
    this.#remove(link);
    this.keeper?.unburied(id);
    return true;
  }

  /** Takes out the one of the operation with that id, which is another's to keep now; there is one. */
  take(id: number): void {
    this.#remove(this.#link(id)!);
  }

  #link(id: number): Link<DeadLetter> | null {
    return this.#byId.get(id) ?? null;
  }

  #remove(link: Link<DeadLetter>): void {
    this.#letters.remove(link);
    this.#byId.delete(link.value.id);
    this.bytes -= sizeOf(link.value);
  }

  /** The oldest first. */
  letters(): Generator<DeadLetter> {
    return this.#letters.values();
  }

  /**
   * The newest first, those that were kept before the one of that order, which may have gone; nothing is to be changed meanwhile.
   *
   * @param id its operation's, by which it is found fast while it is there
   */
  *lettersBefore(
    order: number,
    id: number,
  ): Generator<{ readonly order: number; readonly value: DeadLetter }> {
    const known = this.#link(id);
    let link = known?.order === order ? known.previous : this.#letters.newest;
    for (; link !== null; link = link.previous) if (link.order < order) yield link;
  }

  /** Forgets all; returns how many. */
  clear(): number {
    const { size } = this.#letters;
    if (this.keeper !== null) { for (const { id } of this.#letters.values()) this.keeper.unburied(id); }
    this.#letters.clear();
    this.#byId.clear();
    this.bytes = 0;
    return size;
  }
}

function sizeOf({ content, error }: DeadLetter): number {
  const errorBytes = typeof error === "string" ? 2 * error.length : error.content.length;
  return LETTER_BYTES + content.length + errorBytes;
}
