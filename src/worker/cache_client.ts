import type { Cache } from "../plugin.ts";
import type { CacheRequest } from "./messages.ts";

type CacheResult = string | boolean | undefined;

/** The plugin's cache as its workers reach it: the entries live on the main thread, so that all of them share it. */
export class CacheClient implements Cache {
  readonly #pending = new Map<number, (result: CacheResult) => void>();
  #nextId = 1;

  constructor(readonly send: (id: number, request: CacheRequest) => void) {}

  async get(key: string): Promise<string | undefined> {
    checkText("get", "key", key);
    const value = await this.#ask({ operation: "get", key });
    return typeof value === "string" ? value : undefined;
  }

  async set(key: string, value: string, expire = 0): Promise<void> {
    checkText("set", "key", key);
    checkText("set", "value", value);
    if (typeof expire !== "number") {
      throw new TypeError(`cache.set: expire is to be a number of seconds, not ${kindOf(expire)}`);
    }
    if (!(expire >= 0)) throw new RangeError(`cache.set: expire is to be seconds from 0 on, not ${expire}`);
    const kept = await this.#ask({ operation: "set", key, value, expire });
    if (kept !== true) {
      throw new RangeError(`cache.set: the entry "${key}" is larger than the whole cache may be`);
    }
  }

  async delete(key: string): Promise<boolean> {
    checkText("delete", "key", key);
    return await this.#ask({ operation: "delete", key }) === true;
  }

  async clear(): Promise<void> {
    await this.#ask({ operation: "clear" });
  }

  incr(): Promise<number> {
    throw new Error("PLACEHOLDER");
  }

  cas(): Promise<boolean> {
    throw new Error("PLACEHOLDER");
  }

  entries(): AsyncIterableIterator<{ key: string; value: string; expire: number }> {
    throw new Error("PLACEHOLDER");
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

/** The cache holds text under text; what else a plugin hands over would be lost on its way. */
function checkText(method: string, what: string, value: unknown): void {
  if (typeof value === "string") return;
  throw new TypeError(`cache.${method}: the ${what} is to be a string, not ${kindOf(value)}`);
}

function kindOf(value: unknown): string {
  return value === null ? "null" : typeof value;
}
