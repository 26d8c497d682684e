import type { Timer } from "../plugin.ts";
import { CronTimes, isTimeZone } from "./cron_times.ts";
import { durationText, millisecondsOf } from "./duration.ts";
import { MIN_EVERY_MS } from "../ring/messages.ts";
import { textOf } from "../text_of.ts";

/** A cron time that is found this late was missed: the machine slept, or its clock was set; in ms. */
const MISSED_MS = 60_000;
/** A clock that was set back by more than this was wrong: times that it had reached do not count; in ms. */
const MAX_SET_BACK_MS = 3 * 3_600_000;

/** When a timer runs. */
export interface Schedule {
  /** For people: `every 5s`, `cron 0 3 * * * Europe/Berlin`. */
  readonly text: string;
  /** Looks for the next time from now on. */
  next(): void;
  /** How long it is until then, in ms; 0 or less where that time has come. */
  left(): number;
}

/** What a schedule tells the time by. */
export interface Clocks {
  /** The time of day, in ms since 1970; it may be set at any time. */
  readonly wall: () => number;
  /** In ms; it is never set. */
  readonly monotonic: () => number;
}

const SYSTEM_CLOCKS: Clocks = { wall: () => Date.now(), monotonic: () => performance.now() };

/** When the timer runs, by its `every` or its `cron`. Throws TypeError with what is wrong in them. */
export function scheduleOf(
  { every, cron, timeZone }: Pick<Timer, "every" | "cron" | "timeZone">,
  clocks = SYSTEM_CLOCKS,
): Schedule {
  if ((every === undefined) === (cron === undefined)) throw new TypeError("needs either `every` or `cron`");
  if (cron !== undefined) return new CronSchedule(cron, timeZone ?? "UTC", clocks.wall);
  if (timeZone !== undefined) throw new TypeError("has a `timeZone`, which is for `cron` alone");
  const ms = millisecondsOf(every);
  if (ms === undefined || ms < MIN_EVERY_MS) {
    throw new TypeError(
      `has an \`every\` that is no time of at least ${MIN_EVERY_MS} ms, such as "250ms" or "1h"`,
    );
  }
  return new EverySchedule(ms, `every ${durationText(every!)}`, clocks.monotonic);
}

/** From the end of one run to the next. */
class EverySchedule implements Schedule {
  #due = 0;

  constructor(readonly ms: number, readonly text: string, readonly now: () => number) {}

  next(): void {
    this.#due = this.now() + this.ms;
  }

  left(): number {
    return this.#due - this.now();
  }
}

/** By the clock. A time that has come does not come again, also where the clock is set back. */
class CronSchedule implements Schedule {
  readonly text: string;
  readonly #times: CronTimes;
  /** In ms since 1970; Infinity where none comes. */
  #due = -Infinity;
  /** The latest time that has come. */
  #come = -Infinity;
  /** What the clock showed when it was last looked at. */
  #seenAt = -Infinity;

  constructor(expression: unknown, timeZone: unknown, readonly now: () => number) {
    if (!isTimeZone(timeZone)) {
      throw new TypeError(
        `has a \`timeZone\` that is none: ${textOf(timeZone)}; it is to be one as "Europe/Berlin"`,
      );
    }
    this.#times = new CronTimes(expression, timeZone);
    if (this.#times.after(now()) === null) {
      throw new TypeError(`has a \`cron\` whose time never comes: ${expression}`);
    }
    this.text = `cron ${expression} ${timeZone}`;
  }

  next(): void {
    this.#come = this.#due;
    this.#find(this.now());
  }

  left(): number {
    const now = this.now();
    // Set back, it may have times before it that were behind it; set forward, it has passed some.
    if (now < this.#seenAt) this.#find(now);
    else if (now - this.#due > MISSED_MS) this.next();
    this.#seenAt = now;
    return this.#due - now;
  }

  #find(now: number): void {
    if (this.#come - now > MAX_SET_BACK_MS) this.#come = -Infinity;
    this.#seenAt = now;
    this.#due = this.#times.after(Math.max(now, this.#come)) ?? Infinity;
  }
}
