export interface CacheLimits {
  readonly maxEntries: number;
  /** Bytes of keys and values as UTF-16, and {@link ENTRY_BYTES} an entry. */
  readonly maxBytes: number;
}

/** What an entry costs beside its texts, in bytes; an estimate. */
const ENTRY_BYTES = 96;

interface Entry {
  readonly value: string;
  /** Monotonic, in ms; Infinity for never. */
  readonly expiresAt: number;
  readonly bytes: number;
}

/** A plugin's cache, bounded: where it is full, what was used longest ago goes first. */
export class Cache {
  bytes = 0;
  /** In the order of their last use. */
  readonly #entries = new Map<string, Entry>();

  /** @param now monotonic, in ms */
  constructor(public limits: CacheLimits, readonly now: () => number) {}

  get entries(): number {
    return this.#entries.size;
  }

  get(key: string): string | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#remove(key, entry);
    if (entry.expiresAt <= this.now()) return undefined;
    this.#entries.set(key, entry);
    this.bytes += entry.bytes;
    return entry.value;
  }

  /** Sets an entry for so many seconds, 0 for good; false where it is larger than the whole cache may be. */
  set(key: string, value: string, expireSeconds: number): boolean {
    const bytes = ENTRY_BYTES + 2 * (key.length + value.length);
    if (bytes > this.limits.maxBytes || this.limits.maxEntries === 0) return false;
    this.delete(key);
    const expiresAt = expireSeconds > 0 ? this.now() + expireSeconds * 1000 : Infinity;
    this.#entries.set(key, { value, expiresAt, bytes });
    this.bytes += bytes;
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
    const entry = this.#entries.get(key);
    if (entry === undefined) return false;
    this.#remove(key, entry);
    return entry.expiresAt > this.now();
  }

  clear(): void {
    this.#entries.clear();
    this.bytes = 0;
  }

  #shrink(): void {
    for (const [oldest, entry] of this.#entries) {
      if (this.#entries.size <= this.limits.maxEntries && this.bytes <= this.limits.maxBytes) break;
      this.#remove(oldest, entry);
    }
  }

  #remove(key: string, entry: Entry): void {
    this.#entries.delete(key);
    this.bytes -= entry.bytes;
  }
}
