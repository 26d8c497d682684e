import { Cron } from "croner";
import { textOf } from "../text_of.ts";

/** Cron's names for common times. */
const NICKNAMES: ReadonlyMap<string, string> = new Map([
  ["@yearly", "0 0 1 1 *"],
  ["@annually", "0 0 1 1 *"],
  ["@monthly", "0 0 1 * *"],
  ["@weekly", "0 0 * * 0"],
  ["@daily", "0 0 * * *"],
  ["@midnight", "0 0 * * *"],
  ["@hourly", "0 * * * *"],
]);
/** A field that says "always", or "always, every so often". */
const EVERY = /^(?:\*|0-59|0-23)/;
/** Changes of a zone's time that a search looks beyond: some centuries of summer times. */
const MAX_CHANGES = 500;
const FIELDS_TEXT =
  'five fields, or six with the seconds first, such as "0 3 * * *", or a name such as @daily';

/**
 * The times of a cron expression in a time zone, as instants in ms since 1970. The expression is asked for readings of a
 * clock, which are then looked for in the zone: what a zone's clock skips or shows twice is decided here.
 *
 * A job whose seconds, minute or hour begin with `*` runs whenever the clock shows such a time: both times where it shows it
 * twice, not at all where it skips it. Any other has fixed times, each of which comes once a day: where the clock shows it
 * twice, the first time; where it skips it, when it goes on, unless the job has a time so soon after that anyway.
 */
export class CronTimes {
  /** The expression in plain fields. */
  readonly #pattern: Cron;
  readonly #isFixed: boolean;

  /** Throws TypeError with what is wrong in the expression or the zone. */
  constructor(expression: unknown, readonly timeZone: string) {
    const fields = fieldsOf(expression);
    const [weekday, , day] = fields.toReversed() as [string, string, string];
    this.#isFixed = !fields.slice(0, -3).some((field) => EVERY.test(field));
    try {
      this.#pattern = new Cron(fields.join(" "), {
        timezone: "UTC",
        paused: true,
        mode: "5-or-6-parts",
        // As in Vixie's cron: either day will do, unless one of them begins with a star.
        domAndDow: day.startsWith("*") || weekday.startsWith("*"),
      });
    } catch (error) {
      throw new TypeError(`has a \`cron\` that cannot be read: ${textOf(error)}`);
    }
  }

  /** The first time later than that; null where none comes any more. */
  after(from: number): number | null {
    return this.#isFixed ? this.#fixedAfter(from) : this.#shownAfter(from);
  }

  /** Of fixed times: each is found by its reading. */
  #fixedAfter(from: number): number | null {
    const zoned = at(from, this.timeZone);
    let reading = readingOf(zoned);
    const change = lastChange(zoned);
    // What the clock shows for the second time is over.
    if (change !== null) reading = Math.max(reading, readingBefore(change));
    for (let tries = 0; tries < MAX_CHANGES; tries++) {
      const next = this.#readingAfter(reading);
      if (next === null) return null;
      const instant = this.#instantOf(next);
      if (instant > from) return instant;
      reading = next;
    }
    return null;
  }

  /** Of times that the clock shows: those until its next change, then those from there on. */
  #shownAfter(from: number): number | null {
    let zoned = at(from, this.timeZone);
    let reading = readingOf(zoned);
    for (let changes = 0; changes < MAX_CHANGES; changes++) {
      const next = this.#readingAfter(reading);
      if (next === null) return null;
      const instant = next - offsetOf(zoned);
      const change = zoned.getTimeZoneTransition("next");
      if (change === null || instant < change.epochMilliseconds) return instant > from ? instant : null;
      zoned = change;
      reading = readingOf(change) - 1;
    }
    return null;
  }

  /** The first reading later than that one, whatever the library says. */
  #readingAfter(reading: number): number | null {
    const next = this.#pattern.nextRun(new Date(reading))?.getTime() ?? null;
    return next === null || next > reading ? next : null;
  }

  /** When the clock shows that for the first time or, where it skips it, what takes its place. */
  #instantOf(reading: number): number {
    const text = new Date(reading).toISOString().slice(0, -1);
    const shown = Temporal.PlainDateTime.from(text).toZonedDateTime(this.timeZone);
    const skipped = readingOf(shown) - reading;
    const goesOn = skipped > 0 ? lastChange(shown) : null;
    if (goesOn === null) return shown.epochMilliseconds;
    const goesOnAt = readingOf(goesOn);
    const own = this.#readingAfter(goesOnAt - 1);
    return goesOn.epochMilliseconds + (own !== null && own < goesOnAt + skipped ? own - goesOnAt : 0);
  }
}

/** Whether it is a time zone, as `Europe/Berlin`. */
export function isTimeZone(value: unknown): value is string {
  if (typeof value !== "string") return false;
  try {
    at(0, value);
    return true;
  } catch {
    return false;
  }
}

function at(instant: number, timeZone: string): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(instant).toZonedDateTimeISO(timeZone);
}

/** The last change of the zone's time until then, that very moment included. */
function lastChange(zoned: Temporal.ZonedDateTime): Temporal.ZonedDateTime | null {
  return zoned.add({ milliseconds: 1 }).getTimeZoneTransition("previous");
}

/** In ms. */
function offsetOf(zoned: Temporal.ZonedDateTime): number {
  return zoned.offsetNanoseconds / 1e6;
}

/** What the clock shows, as the ms since 1970 of a clock in UTC that shows the same. */
function readingOf(zoned: Temporal.ZonedDateTime): number {
  return zoned.epochMilliseconds + offsetOf(zoned);
}

/** What the clock showed last before that change. */
function readingBefore(change: Temporal.ZonedDateTime): number {
  return readingOf(change.subtract({ milliseconds: 1 }));
}

/** Five or six fields without `?` and nicknames. */
function fieldsOf(expression: unknown): string[] {
  if (typeof expression !== "string") throw new TypeError(`has a \`cron\` that is not ${FIELDS_TEXT}`);
  const text = expression.replace(/^[ \t]+|[ \t]+$/g, "");
  if (text.toLowerCase() === "@reboot") {
    throw new TypeError("has a `cron` of @reboot, which is no time: what is done once belongs into `start`");
  }
  const fields = (NICKNAMES.get(text.toLowerCase()) ?? text).split(/[ \t]+/);
  if (fields.length < 5 || fields.length > 6) {
    throw new TypeError(`has a \`cron\` that is not ${FIELDS_TEXT}`);
  }
  const days = [fields.length - 3, fields.length - 1];
  return fields.map((field, index) => {
    if (!field.includes("?")) return field;
    if (field === "?" && days.includes(index)) return "*";
    throw new TypeError(
      "has a `cron` with a `?` that does not stand alone for the day of the month or of the week",
    );
  });
}
