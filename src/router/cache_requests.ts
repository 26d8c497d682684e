import type { CacheRequest, CacheResult } from "../ring/messages.ts";
import type { Cache, CacheWalk } from "./cache.ts";

/** Walks that a worker may have open at once. */
export const MAX_WALKS = 16;
/** A walk that was not asked for more for so long makes room for another one; in ms. */
const ABANDONED_MS = 60_000;

interface OpenWalk {
  readonly walk: CacheWalk;
  /** Monotonic, in ms. */
  askedAt: number;
}

/** Answers what a plugin's workers ask of its cache. */
export class CacheRequests {
  /** By worker, and by the number that it gives its walk; with the worker they are gone. */
  readonly #walks = new WeakMap<object, Map<number, OpenWalk>>();

  constructor(readonly cache: Cache) {}

  answer(worker: object, request: CacheRequest): CacheResult {
    const { cache } = this;
    switch (request.operation) {
      case "get":
        return cache.get(request.key) ?? null;
      case "set":
        return cache.set(request.key, request.value, request.expire);
      case "incr":
        return cache.incr(request.key, request.by, request.expire);
      case "cas":
        return cache.cas(request.key, request.expected, request.value, request.expire);
      case "delete":
        return cache.delete(request.key);
      case "clear":
        cache.clear();
        return true;
      case "walk":
        return this.#walk(worker, request.walk, request.begins);
      case "end walk":
        this.#walks.get(worker)?.delete(request.walk);
        return true;
    }
  }

  /** The next part of a walk; false where too many are open for it to begin, or it has been closed. */
  #walk(worker: object, number: number, begins: boolean): CacheResult {
    const now = this.cache.now();
    let walks = this.#walks.get(worker);
    if (walks === undefined) this.#walks.set(worker, walks = new Map());
    let open = walks.get(number);
    if (open === undefined) {
      if (!begins) return false;
      if (walks.size >= MAX_WALKS) forgetAbandoned(walks, now);
      if (walks.size >= MAX_WALKS) return false;
      walks.set(number, open = { walk: this.cache.walk(), askedAt: now });
    }
    open.askedAt = now;
    const part = open.walk.next();
    if (part.done) walks.delete(number);
    return part;
  }
}

function forgetAbandoned(walks: Map<number, OpenWalk>, now: number): void {
  for (const [number, { askedAt }] of walks) if (now - askedAt > ABANDONED_MS) walks.delete(number);
}
