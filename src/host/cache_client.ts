import type { Cache } from "../plugin.ts";
import type { CacheRequest, CacheResult } from "../ring/messages.ts";

/** The plugin's cache as its workers reach it: the entries live on the main thread, so that all of them share it. */
export class CacheClient implements Cache {
  readonly #pending = new Map<number, (result: CacheResult) => void>();
  #nextId = 1;
  #nextWalk = 1;

  constructor(readonly send: (id: number, request: CacheRequest) => void) {}

  async get(key: string): Promise<string | undefined> {
    checkText("get", "key", key);
    const value = await this.#ask({ operation: "get", key });
    return typeof value === "string" ? value : undefined;
  }

  async set(key: string, value: string, expire = 0): Promise<void> {
    checkText("set", "key", key);
    checkText("set", "value", value);
    checkExpire("set", expire);
    const kept = await this.#ask({ operation: "set", key, value, expire });
    if (kept !== true) throw tooLarge("set", key);
  }

  async incr(key: string, by = 1, expire = 0): Promise<number> {
    checkText("incr", "key", key);
    if (!Number.isSafeInteger(by)) {
      throw new TypeError(`cache.incr: by is to be a whole number within ±2^53, not ${shownNumber(by)}`);
    }
    checkExpire("incr", expire);
    const sum = await this.#ask({ operation: "incr", key, by, expire });
    if (typeof sum === "number") return sum;
    if (sum === "too large") throw tooLarge("incr", key);
    if (sum === "beyond") {
      throw new RangeError(`cache.incr: the sum of ${JSON.stringify(key)} and ${by} is beyond ±2^53`);
    }
    throw new TypeError(`cache.incr: the value of ${JSON.stringify(key)} is no whole number within ±2^53`);
  }

  async cas(key: string, expected: string | undefined, value: string, expire = 0): Promise<boolean> {
    checkText("cas", "key", key);
    if (expected !== undefined) checkText("cas", "expected value", expected);
    checkText("cas", "value", value);
    checkExpire("cas", expire);
    const isSet = await this.#ask({ operation: "cas", key, expected: expected ?? null, value, expire });
    if (isSet === "too large") throw tooLarge("cas", key);
    return isSet === true;
  }

  async *entries(): AsyncIterableIterator<{ key: string; value: string; expire: number }> {
    const walk = this.#nextWalk++;
    let isOpen = false;
    try {
      for (;;) {
        const part = await this.#ask({ operation: "walk", walk, begins: !isOpen });
        if (typeof part !== "object" || part === null) {
          const why = isOpen
            ? "it was not gone on with for a minute, and closed"
            : "16 of this worker are open";
          isOpen = false;
          throw new RangeError(`cache.entries: there is no room for this walk: ${why}`);
        }
        isOpen = !part.done;
        for (const [key, value, expire] of part.entries) yield { key, value, expire };
        if (part.done) return;
      }
    } finally {
      // Left before its end.
      if (isOpen) await this.#ask({ operation: "end walk", walk });
    }
  }

  async delete(key: string): Promise<boolean> {
    checkText("delete", "key", key);
    return await this.#ask({ operation: "delete", key }) === true;
  }

  async clear(): Promise<void> {
    await this.#ask({ operation: "clear" });
  }

  /** Takes the main thread's answer. */
  answer(id: number, result: CacheResult): void {
    this.#pending.get(id)?.(result);
    this.#pending.delete(id);
  }

  #ask(request: CacheRequest): Promise<CacheResult> {
    const id = this.#nextId++;
    return new Promise((resolve) => {
      this.#pending.set(id, resolve);
      this.send(id, request);
    });
  }
}

function tooLarge(method: string, key: string): RangeError {
  return new RangeError(
    `cache.${method}: the entry ${JSON.stringify(key)} is larger than the whole cache may be`,
  );
}

function checkExpire(method: string, expire: unknown): void {
  if (typeof expire !== "number") {
    throw new TypeError(`cache.${method}: expire is to be a number of seconds, not ${kindOf(expire)}`);
  }
  if (!(expire >= 0) || expire === Infinity) {
    throw new RangeError(`cache.${method}: expire is to be seconds from 0 on, not ${expire}`);
  }
}

function shownNumber(value: unknown): string {
  return typeof value === "number" ? String(value) : kindOf(value);
}

/** The cache holds text under text; what else a plugin hands over would be lost on its way. */
function checkText(method: string, what: string, value: unknown): void {
  if (typeof value === "string") return;
  throw new TypeError(`cache.${method}: the ${what} is to be a string, not ${kindOf(value)}`);
}

function kindOf(value: unknown): string {
  return value === null ? "null" : typeof value;
}
