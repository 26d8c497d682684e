import { Histogram } from "../observe/histogram.ts";
import { ReplyCode } from "../protocol/codes.ts";

/** Codes below this are counted in an array. */
const COMMON_CODES = 2048;

/** What became of the requests of a load. */
export class LoadTally {
  /** Requests handed to the socket. */
  sent = 0;
  /** Requests answered, whatever the code. */
  replies = 0;
  /** Those answered with 1000 and above. */
  ok = 0;
  /** Requests whose connection ended before the reply. */
  lost = 0;
  /** Replies to no request that was unanswered, or that are not well-formed: a server's or a network's fault. */
  stray = 0;
  /** From a write to its reply's read, in µs. */
  readonly times = new Histogram();
  longestUs = 0;
  readonly #common = new Float64Array(COMMON_CODES);
  readonly #rare = new Map<number, number>();

  /** Requests that are neither answered nor lost. */
  get outstanding(): number {
    return this.sent - this.replies - this.lost;
  }

  reply(code: number, microseconds: number): void {
    this.replies++;
    if (code >= ReplyCode.Ok) this.ok++;
    if (code < COMMON_CODES) this.#common[code]!++;
    else this.#rare.set(code, this.count(code) + 1);
    this.times.record(microseconds);
    if (microseconds > this.longestUs) this.longestUs = microseconds;
  }

  /** Replies of one code. */
  count(code: number): number {
    return (code < COMMON_CODES ? this.#common[code] : this.#rare.get(code)) ?? 0;
  }

  /** Codes and how often each came, in order. */
  get codes(): [code: number, times: number][] {
    const common = [...this.#common.entries()].filter(([, times]) => times > 0);
    return [...common, ...[...this.#rare].sort(([a], [b]) => a - b)];
  }
}
