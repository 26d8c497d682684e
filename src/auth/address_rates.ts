import { addressKey } from "./address_list.ts";
import { type Rate, RateMeter } from "./rate.ts";

/** Addresses whose requests are counted at a time; beyond them the one that came first is counted from the start again. */
export const MAX_RATED_ADDRESSES = 10_000;
/** Of those, so many are looked at for one that nobody needs to know any more. */
const LOOKED_AT = 16;

/** What each address may ask for in a time, whoever asks: one meter for all its connections. */
export class AddressRates {
  readonly #meters = new Map<string, RateMeter>();
  #rate: Rate | null = null;

  /** @param now monotonic, in ms */
  constructor(readonly now: () => number) {}

  get rate(): Rate | null {
    return this.#rate;
  }

  /** Counts by another rate from now on; null counts nothing. */
  set(rate: Rate | null): void {
    if (rate?.requests === this.#rate?.requests && rate?.ms === this.#rate?.ms) return;
    this.#rate = rate;
    this.#meters.clear();
  }

  /** That of an address; null where nothing is counted, and for Unix sockets: all their callers have the same. */
  of(address: string): RateMeter | null {
    if (this.#rate === null || address === "") return null;
    const key = addressKey(address);
    let meter = this.#meters.get(key);
    if (meter === undefined) {
      const now = this.now();
      if (this.#meters.size >= MAX_RATED_ADDRESSES) this.#makeRoom(now);
      meter = new RateMeter(this.#rate, now);
      this.#meters.set(key, meter);
    }
    return meter;
  }

  #makeRoom(now: number): void {
    let first: string | undefined;
    let looked = 0;
    for (const [key, meter] of this.#meters) {
      first ??= key;
      if (meter.isFull(now)) return void this.#meters.delete(key);
      if (++looked >= LOOKED_AT) break;
    }
    if (first !== undefined) this.#meters.delete(first);
  }
}
