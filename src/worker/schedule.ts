import { Cron } from "croner";
import type { Timer } from "../plugin.ts";
import { durationText, millisecondsOf } from "./duration.ts";
import { MIN_EVERY_MS } from "./timer_limits.ts";
import { textOf } from "./text_of.ts";

/** A cron time that is found this late was missed: the machine slept, or its clock was set; in ms. */
const MISSED_MS = 60_000;
/** Five fields, or six with the seconds first. */
const FIELDS = /^\S+(?: +\S+){4,5}$/;

/** When a timer runs. */
export interface Schedule {
  /** For people: `every 5s`, `cron 0 3 * * * Europe/Berlin`. */
  readonly text: string;
  /** Looks for the next time from now on. */
  next(): void;
  /** How long it is until then, in ms; 0 or less where that time has come. */
  left(): number;
}

/** When the timer runs, by its `every` or its `cron`. Throws TypeError with what is wrong in them. */
export function scheduleOf({ every, cron, timeZone }: Pick<Timer, "every" | "cron" | "timeZone">): Schedule {
  if ((every === undefined) === (cron === undefined)) throw new TypeError("needs either `every` or `cron`");
  if (cron !== undefined) return new CronSchedule(cron, timeZone ?? "UTC");
  if (timeZone !== undefined) throw new TypeError("has a `timeZone`, which is for `cron` alone");
  const ms = millisecondsOf(every);
  if (ms === undefined || ms < MIN_EVERY_MS) {
    throw new TypeError(
      `has an \`every\` that is no time of at least ${MIN_EVERY_MS} ms, such as "250ms" or "1h"`,
    );
  }
  return new EverySchedule(ms, `every ${durationText(every!)}`);
}

/** From the end of one run to the next. */
class EverySchedule implements Schedule {
  /** Monotonic, in ms. */
  #due = 0;

  constructor(readonly ms: number, readonly text: string) {}

  next(): void {
    this.#due = performance.now() + this.ms;
  }

  left(): number {
    return this.#due - performance.now();
  }
}

/** By the clock. */
class CronSchedule implements Schedule {
  readonly text: string;
  readonly #cron: Cron;
  /** In ms since 1970. */
  #due = 0;

  constructor(expression: unknown, timeZone: unknown) {
    if (typeof expression !== "string" || !FIELDS.test(expression)) {
      throw new TypeError(
        'has a `cron` that is not five fields, or six with the seconds first, such as "0 3 * * *"',
      );
    }
    if (!isTimeZone(timeZone)) {
      throw new TypeError(
        `has a \`timeZone\` that is none: ${textOf(timeZone)}; it is to be one as "Europe/Berlin"`,
      );
    }
    try {
      this.#cron = new Cron(expression, { timezone: timeZone, paused: true, mode: "5-or-6-parts" });
    } catch (error) {
      throw new TypeError(`has a \`cron\` that cannot be read: ${textOf(error)}`);
    }
    if (this.#cron.nextRun() === null) {
      throw new TypeError(`has a \`cron\` whose time never comes: ${expression}`);
    }
    this.text = `cron ${expression} ${timeZone}`;
  }

  next(): void {
    this.#due = this.#cron.nextRun()?.getTime() ?? Infinity;
  }

  left(): number {
    const now = Date.now();
    if (now - this.#due > MISSED_MS) this.next();
    return this.#due - now;
  }
}

function isTimeZone(value: unknown): value is string {
  if (typeof value !== "string") return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone: value });
    return true;
  } catch {
    return false;
  }
}
