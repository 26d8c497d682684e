import { addressKey } from "./address_list.ts";

/** Addresses that are known to have failed, at a time; beyond them the one that failed first is forgotten. */
export const MAX_FAILED_ADDRESSES = 10_000;
/** How long a failure counts, in ms. */
export const FAILURE_WINDOW_MS = 60_000;

interface Failures {
  count: number;
  /** When the first of them was. */
  readonly since: number;
}

/** How often each address has failed to log in, within a minute of its first failure. */
export class LoginFailures {
  readonly #failures = new Map<string, Failures>();

  /**
   * Counts one; how many it has with that.
   *
   * @param now monotonic, in ms
   */
  failed(address: string, now: number): number {
    const key = addressKey(address);
    const before = this.#failures.get(key);
    if (before !== undefined && now - before.since < FAILURE_WINDOW_MS) return ++before.count;
    // The oldest stand first.
    this.#failures.delete(key);
    const [oldest] = this.#failures.keys();
    if (this.#failures.size >= MAX_FAILED_ADDRESSES) this.#failures.delete(oldest!);
    this.#failures.set(key, { count: 1, since: now });
    return 1;
  }
}
