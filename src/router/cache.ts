import { Chain, type Link } from "../queue/chain.ts";
import type { CacheEntry } from "../ring/messages.ts";

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
  /** Counts the keys in the order in which they came; an entry that is set anew keeps its own. */
  readonly birth: number;
}

/** Whole numbers as texts: what {@link Cache.incr} counts. */
const WHOLE = /^-?\d{1,17}$/;

/** A part of a walk has at most so many entries, and looks at so many expired ones. */
const PART_ENTRIES = 256;
/** And of texts so many UTF-16 units, or one entry. */
const PART_CHARS = 64 * 1024;

/** A plugin's cache, bounded: where it is full, what was used longest ago goes first. */
export class Cache {
  bytes = 0;
  /** In the order of their births. */
  readonly #entries = new Map<string, Link<Entry>>();
  /** The same, in the order of their last use. */
  readonly #byUse = new Chain<Entry>();
  #births = 0;

  /**
   * @param now monotonic, in ms
   * @param full told of each entry that had to go for another one, or was too large
   */
  constructor(public limits: CacheLimits, readonly now: () => number, readonly full: () => void = () => {}) {}

  get entries(): number {
    return this.#entries.size;
  }

  get(key: string): string | undefined {
    const entry = this.#find(key);
    if (entry === undefined) return undefined;
    this.#put(entry);
    return entry.value;
  }

  /** Sets an entry for so many seconds, 0 for good; false where it is larger than the whole cache may be. */
  set(key: string, value: string, expireSeconds: number): boolean {
    return this.#set(key, value, this.#expiresAt(expireSeconds));
  }

  /**
   * Adds to a whole number and returns the sum; what is not there counts as 0 and gets `expireSeconds`, what is there keeps
   * its own. Otherwise says why not: the value is no such number, the sum is beyond ±2^53, or there is no room for it.
   */
  incr(key: string, by: number, expireSeconds: number): number | "no number" | "beyond" | "too large" {
    const entry = this.#find(key);
    if (entry !== undefined && !WHOLE.test(entry.value)) return "no number";
    const before = entry === undefined ? 0 : Number(entry.value);
    if (!Number.isSafeInteger(before)) return "no number";
    const sum = before + by;
    if (!Number.isSafeInteger(sum)) return "beyond";
    const expiresAt = entry === undefined ? this.#expiresAt(expireSeconds) : entry.expiresAt;
    return this.#set(key, String(sum), expiresAt) ? sum : "too large";
  }

  /** Sets an entry where its value is `expected`, null where there is to be none; false where it is another one. */
  cas(key: string, expected: string | null, value: string, expireSeconds: number): boolean | "too large" {
    if ((this.#find(key)?.value ?? null) !== expected) return false;
    return this.set(key, value, expireSeconds) || "too large";
  }

  /** A walk over all entries; those that are there until it ends are told, while others come, go and change. */
  walk(): CacheWalk {
    return new CacheWalk(this.#entries.values(), this.#births, this.now);
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

  #expiresAt(seconds: number): number {
    return seconds > 0 ? this.now() + seconds * 1000 : Infinity;
  }

  /** The entry that has not expired. */
  #find(key: string): Entry | undefined {
    const link = this.#entries.get(key);
    if (link === undefined) return undefined;
    if (link.value.expiresAt > this.now()) return link.value;
    this.#remove(link);
    return undefined;
  }

  #set(key: string, value: string, expiresAt: number): boolean {
    const bytes = ENTRY_BYTES + 2 * (key.length + value.length);
    if (bytes > this.limits.maxBytes || this.limits.maxEntries === 0) {
      this.full();
      return false;
    }
    const birth = this.#entries.get(key)?.value.birth ?? ++this.#births;
    this.#put({ key, value, expiresAt, bytes, birth });
    this.#shrink();
    return true;
  }

  /** Puts an entry in, as the one used last; in place of that with its key. */
  #put(entry: Entry): void {
    const link = this.#entries.get(entry.key);
    if (link !== undefined) {
      this.#byUse.remove(link);
      this.bytes -= link.value.bytes;
    }
    // A key that the map has keeps its place in there, so that a walk finds it once.
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

/** Tells the entries of a cache part by part; between two parts the cache changes as it likes. */
export class CacheWalk {
  constructor(
    /** Goes on where it was, whatever was put in or taken out. */
    readonly links: Iterator<Link<Entry>>,
    /** Who was born later is not told: else a walk over a busy cache might never end. */
    readonly lastBirth: number,
    readonly now: () => number,
  ) {}

  /** The next entries, as they are now; `done` where there are no more. */
  next(): { readonly entries: CacheEntry[]; readonly done: boolean } {
    const now = this.now();
    const entries: CacheEntry[] = [];
    let chars = 0;
    for (let looks = 0; looks < PART_ENTRIES && chars < PART_CHARS; looks++) {
      const { value: link, done } = this.links.next();
      if (done === true || link.value.birth > this.lastBirth) return { entries, done: true };
      const { key, value, expiresAt } = link.value;
      if (expiresAt <= now) continue;
      entries.push([key, value, expiresAt === Infinity ? 0 : (expiresAt - now) / 1000]);
      chars += key.length + value.length;
    }
    return { entries, done: false };
  }
}
