import { Chain, type Link } from "../queue/chain.ts";

export interface CacheLimits {
  readonly maxEntries: number;
  /** Bytes of keys and values as UTF-16, and {@link ENTRY_BYTES} an entry. */
  readonly maxBytes: number;
}

/** What an entry costs beside its texts, in bytes; an estimate. */
const ENTRY_BYTES = 96;

interface Entry {
  readonly key: string;
  readonly value: string;
  /** Monotonic, in ms; Infinity for never. */
  readonly expiresAt: number;
  readonly bytes: number;
}

/** A plugin's cache, bounded: where it is full, what was used longest ago goes first. */
export class Cache {
  bytes = 0;
  readonly #entries = new Map<string, Link<Entry>>();
  /** The same, in the order of their last use. */
  readonly #byUse = new Chain<Entry>();

  /**
   * @param now monotonic, in ms
   * @param full told of each entry that had to go for another one, or was too large
   */
  constructor(public limits: CacheLimits, readonly now: () => number, readonly full: () => void = () => {}) {}

  get entries(): number {
    return this.#entries.size;
  }

  get(key: string): string | undefined {
    const link = this.#entries.get(key);
    if (link === undefined) return undefined;
    const entry = link.value;
    this.#remove(link);
    if (entry.expiresAt <= this.now()) return undefined;
    this.#add(entry);
    return entry.value;
  }

  /** Sets an entry for so many seconds, 0 for good; false where it is larger than the whole cache may be. */
  set(key: string, value: string, expireSeconds: number): boolean {
    const bytes = ENTRY_BYTES + 2 * (key.length + value.length);
    if (bytes > this.limits.maxBytes || this.limits.maxEntries === 0) {
      this.full();
      return false;
    }
    this.delete(key);
    const expiresAt = expireSeconds > 0 ? this.now() + expireSeconds * 1000 : Infinity;
    this.#add({ key, value, expiresAt, bytes });
    this.#shrink();
    return true;
  }

  /** Changes the bounds; what is over them goes at once. */
  bound(limits: CacheLimits): void {
    this.limits = limits;
    this.#shrink();
  }

  /** True where there was one. */
  delete(key: string): boolean {
    const link = this.#entries.get(key);
    if (link === undefined) return false;
    this.#remove(link);
    return link.value.expiresAt > this.now();
  }

  clear(): void {
    this.#entries.clear();
    this.#byUse.clear();
    this.bytes = 0;
  }

  #add(entry: Entry): void {
    this.#entries.set(entry.key, this.#byUse.add(entry));
    this.bytes += entry.bytes;
  }

  #shrink(): void {
    while (this.#entries.size > this.limits.maxEntries || this.bytes > this.limits.maxBytes) {
      this.#remove(this.#byUse.oldest!);
      this.full();
    }
  }

  #remove(link: Link<Entry>): void {
    this.#byUse.remove(link);
    this.#entries.delete(link.value.key);
    this.bytes -= link.value.bytes;
  }
}
