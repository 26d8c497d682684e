import { Histogram } from "../../observe/histogram.ts";
import { ReplyCode, replyName } from "../../protocol/codes.ts";
import { ExitCode } from "../exit_codes.ts";
import { sendOutcome } from "./outcome.ts";

/** What became of many requests. */
export class SendTally {
  /** Requests answered, whatever the code. */
  replies = 0;
  timeouts = 0;
  /** Requests whose connection ended before the reply. */
  lost = 0;
  #codes = new Map<number, number>();
  /** In µs. */
  #times = new Histogram();
  #longestMs = 0;

  /** `total` requests are wanted. */
  constructor(readonly total: number) {}

  /** Counts a reply that took so many milliseconds. */
  reply(code: number, milliseconds: number): void {
    this.replies++;
    this.#codes.set(code, (this.#codes.get(code) ?? 0) + 1);
    this.#times.record(milliseconds * 1000);
    if (milliseconds > this.#longestMs) this.#longestMs = milliseconds;
  }

  /** Requests that are over, one way or the other. */
  get ended(): number {
    return this.replies + this.timeouts + this.lost;
  }

  /** One line while it goes on. */
  progress(elapsedMs: number): string {
    return `${group(this.ended)} of ${group(this.total)}, ${this.#rate(elapsedMs)}`;
  }

  /** The lines at its end; percentiles are within 3%. */
  summary(elapsedMs: number): string {
    const codes = [...this.#codes].sort(([a], [b]) => a - b);
    const ok = codes.reduce((sum, [code, times]) => code >= ReplyCode.Ok ? sum + times : sum, 0);
    const lines: [string, string][] = [
      ["total", `${group(this.total)} in ${(elapsedMs / 1000).toFixed(2)} s, ${this.#rate(elapsedMs)}`],
      ["ok", group(ok)],
      ...codes.map(([code, times]): [string, string] => [`  ${code}`, `${group(times)} ${replyName(code)}`]),
    ];
    const missing = this.total - this.ended;
    if (this.timeouts > 0) lines.push(["timed out", group(this.timeouts)]);
    if (this.lost > 0) lines.push(["lost", `${group(this.lost)} with their connection`]);
    if (missing > 0) lines.push(["missing", `${group(missing)} not sent or not awaited`]);
    if (this.replies > 0) {
      const quantiles = [50, 90, 99].map((percent) =>
        `p${percent} ${this.#milliseconds(this.#times.quantile(percent / 100) / 1000)}`
      );
      lines.push(["time", `${quantiles.join(", ")}, max ${this.#milliseconds(this.#longestMs)} ms`]);
    }
    return lines.map(([name, text]) => `${name.padEnd(NAME_WIDTH)} ${text}\n`).join("");
  }

  /** 0 where all succeeded; the code of what failed where that is of one kind, else 1. */
  exitCode(): number {
    const kinds = new Set<number>([...this.#codes.keys()].map(sendOutcome));
    if (this.timeouts > 0 || this.lost > 0) kinds.add(ExitCode.Unreachable);
    kinds.delete(ExitCode.Ok);
    const [kind] = kinds;
    if (kinds.size === 1 && kind !== undefined) return kind;
    return kinds.size === 0 && this.ended === this.total ? ExitCode.Ok : ExitCode.Failed;
  }

  #rate(elapsedMs: number): string {
    return `${group(Math.round(this.replies / Math.max(elapsedMs, 1) * 1000))}/s`;
  }

  /** A bucket's top may lie above the longest time itself. */
  #milliseconds(milliseconds: number): string {
    return Math.min(milliseconds, this.#longestMs).toFixed(2);
  }
}

const NAME_WIDTH = 9;

function group(count: number): string {
  return count.toLocaleString("en-US");
}
