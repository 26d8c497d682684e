import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { CronTimes } from "../../src/host/cron_times.ts";
import { scheduleOf } from "../../src/host/schedule.ts";
import { thorough } from "../support/thorough.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The times of a job after `from`, as `MM-DD HH:MM` of UTC. */
function times(cron: string, timeZone: string, from: string, count: number): string {
  const job = new CronTimes(cron, timeZone);
  const found: string[] = [];
  for (let at: number | null = Date.parse(from); found.length < count;) {
    const next: number | null = job.after(at);
    if (next === null) break;
    assert(next > at, `${cron} in ${timeZone}: ${next} is not later than ${at}`);
    found.push(new Date(next).toISOString().slice(5, 16).replace("T", " "));
    at = next;
  }
  return found.map((text, index) =>
    index > 0 && text.startsWith(found[0]!.slice(0, 5)) ? text.slice(6) : text
  )
    .join(", ");
}

Deno.test("a fixed time that the clock shows twice comes once, the first time, whoever asks and when", () => {
  for (
    const [cron, zone, from, expected] of [
      ["30 2 * * *", "Europe/Berlin", "2026-10-24T12:00Z", "10-25 00:30, 10-26 01:30"],
      ["30 2 * * *", "Europe/Berlin", "2026-10-25T01:11Z", "10-26 01:30, 10-27 01:30"],
      ["59 2 * * *", "Europe/Berlin", "2026-10-25T01:00:02Z", "10-26 01:59, 10-27 01:59"],
      ["30 2,14 * * *", "Europe/Berlin", "2026-10-24T20:00Z", "10-25 00:30, 13:30"],
      ["15 1 * * *", "America/New_York", "2026-11-01T05:15Z", "11-02 06:15, 11-03 06:15"],
      ["30 0 * * *", "America/Havana", "2026-11-01T04:30Z", "11-02 05:30, 11-03 05:30"],
      ["30 1 * * *", "Europe/Dublin", "2026-10-25T00:31Z", "10-26 01:30, 10-27 01:30"],
      ["30 23 * * *", "America/Sao_Paulo", "2018-02-17T12:00Z", "02-18 01:30, 02-19 02:30"],
      ["15 2 * * 0", "Europe/Berlin", "2026-10-25T01:01Z", "11-01 01:15, 11-08 01:15"],
      ["45 1 * * *", "Australia/Lord_Howe", "2026-04-04T12:00Z", "04-04 14:45, 04-05 15:15"],
      ["45 1 * * *", "Australia/Lord_Howe", "2026-04-04T15:05Z", "04-05 15:15, 04-06 15:15"],
      ["30 1 * * *", "America/St_Johns", "2026-10-31T12:00Z", "11-01 04:00, 11-02 05:00"],
      ["30 1 * * *", "Antarctica/Troll", "2026-10-24T12:00Z", "10-24 23:30, 10-26 01:30"],
    ] as const
  ) assertEquals(times(cron, zone, from, 2), expected, `${cron} in ${zone}`);
});

Deno.test("a fixed time that the clock skips comes when the clock goes on, unless the job has one so soon anyway", () => {
  for (
    const [cron, zone, from, expected] of [
      ["30 2 * * *", "Europe/Berlin", "2026-03-28T12:00Z", "03-29 01:00, 03-30 00:30"],
      ["0 2 * * *", "Europe/Berlin", "2026-03-28T12:00Z", "03-29 01:00, 03-30 00:00"],
      ["0,30 2 * * *", "Europe/Berlin", "2026-03-28T12:00Z", "03-29 01:00, 03-30 00:00"],
      ["30 2,14 * * *", "Europe/Berlin", "2026-03-28T20:00Z", "03-29 01:00, 12:30"],
      ["15 2,3 * * *", "Europe/Berlin", "2026-03-28T12:00Z", "03-29 01:15, 03-30 00:15"],
      ["0 0 * * *", "Africa/Cairo", "2026-04-23T12:00Z", "04-23 22:00, 04-24 21:00"],
      ["15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00Z", "10-03 15:30, 10-04 15:15"],
      ["30 2 * * *", "America/St_Johns", "2026-03-07T12:00Z", "03-08 05:30, 03-09 05:00"],
      ["0 12 30 12 *", "Pacific/Apia", "2011-12-01T00:00Z", "12-30 10:00, 12-29 22:00"],
    ] as const
  ) assertEquals(times(cron, zone, from, 2), expected, `${cron} in ${zone}`);
});

Deno.test("what runs every so often runs as the clock shows it: in both of two hours, and not in one that is skipped", () => {
  for (
    const [cron, zone, from, count, expected] of [
      [
        "*/30 * * * *",
        "Europe/Berlin",
        "2026-10-24T23:31Z",
        6,
        "10-25 00:00, 00:30, 01:00, 01:30, 02:00, 02:30",
      ],
      ["0 * * * *", "Europe/Berlin", "2026-10-24T23:31Z", 4, "10-25 00:00, 01:00, 02:00, 03:00"],
      ["@hourly", "Europe/Berlin", "2026-10-24T23:31Z", 4, "10-25 00:00, 01:00, 02:00, 03:00"],
      ["0 0-23 * * *", "Europe/Berlin", "2026-10-24T23:31Z", 4, "10-25 00:00, 01:00, 02:00, 03:00"],
      ["0 */2 * * *", "Europe/Berlin", "2026-10-24T23:31Z", 4, "10-25 00:00, 01:00, 03:00, 05:00"],
      ["*/20 * * * *", "America/New_York", "2026-11-01T05:35Z", 4, "11-01 05:40, 06:00, 06:20, 06:40"],
      [
        "*/10 * * * *",
        "Australia/Lord_Howe",
        "2026-04-04T14:25Z",
        5,
        "04-04 14:30, 14:40, 14:50, 15:00, 15:10",
      ],
      ["50 * * * *", "Australia/Lord_Howe", "2026-04-04T14:25Z", 3, "04-04 14:50, 15:20, 16:20"],
      ["*/40 * * * *", "Asia/Kolkata", "2026-10-25T00:00Z", 3, "10-25 00:10, 00:30, 01:10"],
      ["*/20 * * * *", "America/St_Johns", "2026-11-01T04:05Z", 3, "11-01 04:10, 04:30, 04:50"],
      ["* * * * * *", "Europe/Vienna", "2026-10-25T00:59:58Z", 3, "10-25 00:59, 01:00, 01:00"],
      ["*/15 * * * * *", "Australia/Sydney", "2026-04-04T15:59:46Z", 2, "04-04 16:00, 16:00"],
      ["*/30 * * * *", "Europe/Berlin", "2026-03-29T00:11Z", 3, "03-29 00:30, 01:00, 01:30"],
      ["*/10 2 * * *", "Europe/Berlin", "2026-03-29T00:11Z", 2, "03-30 00:00, 00:10"],
      ["0 */2 * * *", "Europe/Berlin", "2026-03-29T00:11Z", 2, "03-29 02:00, 04:00"],
      ["*/20 * * * *", "Australia/Lord_Howe", "2026-10-03T15:05Z", 3, "10-03 15:10, 15:40, 16:00"],
    ] as const
  ) assertEquals(times(cron, zone, from, count), expected, `${cron} in ${zone}`);
});

Deno.test("days: L, W, #, ?, names, both days, and a star that makes both count", () => {
  for (
    const [cron, expected] of [
      ["0 0 6 ? * MON-FRI", "06-08 06:00, 06-09 06:00, 06-10 06:00"],
      ["0 6 15 * ?", "06-15 06:00, 07-15 06:00, 08-15 06:00"],
      ["0 6 L * ?", "06-30 06:00, 07-31 06:00, 08-31 06:00"],
      ["0 6 ? * MON#1", "07-06 06:00, 08-03 06:00, 09-07 06:00"],
      ["0 6 ? * ?", "06-07 06:00, 06-08 06:00, 06-09 06:00"],
      ["0 0 1W * *", "07-01 00:00, 08-03 00:00, 09-01 00:00"],
      ["0 0 LW * *", "06-30 00:00, 07-31 00:00, 08-31 00:00"],
      ["0 0 * * 5L", "06-26 00:00, 07-31 00:00, 08-28 00:00"],
      ["0 0 * * 7", "06-07 00:00, 06-14 00:00, 06-21 00:00"],
      ["0 0 13 * FRI", "06-12 00:00, 06-13 00:00, 06-19 00:00"],
      ["0 0 */2 * MON", "06-15 00:00, 06-29 00:00, 07-13 00:00"],
      ["0 0 */10 * FRI", "07-31 00:00, 08-21 00:00, 09-11 00:00"],
      ["0 0 1 * */2", "08-01 00:00, 09-01 00:00, 10-01 00:00"],
      ["0 0 13 * +FRI", "11-13 00:00, 08-13 00:00, 10-13 00:00"],
      ["0\t0 \t* *\t*", "06-07 00:00, 06-08 00:00, 06-09 00:00"],
      [" 0 0 * * * ", "06-07 00:00, 06-08 00:00, 06-09 00:00"],
      ["@daily", "06-07 00:00, 06-08 00:00, 06-09 00:00"],
      ["@Midnight", "06-07 00:00, 06-08 00:00, 06-09 00:00"],
      ["@weekly", "06-07 00:00, 06-14 00:00, 06-21 00:00"],
      ["@monthly", "07-01 00:00, 08-01 00:00, 09-01 00:00"],
      ["@yearly", "01-01 00:00, 00:00, 00:00"],
      ["@annually", "01-01 00:00, 00:00, 00:00"],
    ] as const
  ) assertEquals(times(cron, "UTC", "2026-06-06T07:00Z", 3), expected, cron);
});

Deno.test("an expression that cannot be read, or whose time never comes, is refused with a sentence", () => {
  for (
    const [cron, sentence] of [
      ["* * * *", "is not five fields, or six with the seconds first"],
      ["* * * * * * *", "is not five fields"],
      ["@every 5m", "is not five fields"],
      ["@fortnightly", "is not five fields"],
      ["@reboot", "what is done once belongs into `start`"],
      ["? 6 * * *", "a `?` that does not stand alone"],
      ["0 6 ?/2 * MON", "a `?` that does not stand alone"],
      ["0 0 1,? * *", "a `?` that does not stand alone"],
      ["5/15 * * * *", "cannot be read"],
      ["22-2 * * * *", "cannot be read"],
      ["0 0 0 * *", "cannot be read"],
      ["0 0 * * MON#6", "cannot be read"],
      ["L * * * *", "cannot be read"],
      ["0 0 31 2 *", "never comes"],
      ["0 0 30 2 *", "never comes"],
      ["0 0 31 4,6,9,11 *", "never comes"],
      ["0 0 31W 2 *", "never comes"],
      ["0 0 31 2 */2", "never comes"],
      ["0 0 30 2 +MON", "never comes"],
      ["*/5 * 31 9 ?", "never comes"],
    ] as const
  ) assertThrows(() => scheduleOf({ cron, timeZone: "Europe/Berlin" }), TypeError, sentence);
});

Deno.test("an `every` that is no time is refused, whatever it is", () => {
  for (
    const every of [
      Infinity,
      -Infinity,
      NaN,
      -1,
      0,
      9.9,
      "-5s",
      "Infinity",
      "1e3",
      "0x10s",
      "",
      null,
      {},
      10n,
    ]
  ) {
    assertThrows(() => scheduleOf({ every: every as string }), TypeError, "no time of at least 10 ms");
  }
});

Deno.test("over many zones, jobs and starts a time is later than the one before it, and the clock shows it or has skipped it", () => {
  const zones = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Havana",
    "America/St_Johns",
    "America/Sao_Paulo",
    "Africa/Casablanca",
    "Antarctica/Troll",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
  ];
  const field = (most: number) =>
    fc.oneof(
      fc.constantFrom("*", "*/2", "*/7"),
      fc.nat(most).map(String),
      fc.tuple(fc.nat(most), fc.nat(most)).map((both) => both.toSorted((a, b) => a - b).join("-")),
      fc.array(fc.nat(most), { minLength: 2, maxLength: 4 }).map((list) => list.join(",")),
    );
  fc.assert(
    fc.property(
      fc.constantFrom(...zones),
      field(59),
      field(23),
      // Near the changes of 2017 to 2027 of these zones, and anywhere.
      fc.integer({ min: Date.parse("2017-01-01"), max: Date.parse("2027-12-31") }),
      fc.integer({ min: -4 * HOUR, max: 4 * HOUR }),
      fc.boolean(),
      (zone, minute, hour, anywhere, near, isNear) => {
        const change = Temporal.Instant.fromEpochMilliseconds(anywhere).toZonedDateTimeISO(zone)
          .getTimeZoneTransition("next");
        let from = isNear && change !== null ? change.epochMilliseconds + near : anywhere;
        const job = new CronTimes(`${minute} ${hour} * * *`, zone);
        const shows = (at: number) => readingShown(zone, at);
        const isFixed = !/^(\*|0-59|0-23)/.test(minute) && !/^(\*|0-59|0-23)/.test(hour);
        const seen = new Set<string>();
        for (let count = 0; count < 8; count++) {
          const next = job.after(from)!;
          assert(next > from);
          assert(next <= from + 2 * DAY);
          const shown = shows(next);
          const isOwn = matches(minute, shown.minute) && matches(hour, shown.hour);
          const isAfterGap = isFixed && shows(next - 1).offset < shown.offset;
          assert(isOwn || isAfterGap, `${minute} ${hour} in ${zone}: ${JSON.stringify(shown)}`);
          // Of what runs as the clock shows it nothing is left out, and of fixed times nothing but what was skipped or shown before.
          for (
            let at = Math.ceil((from + 1) / MINUTE) * MINUTE, looks = 0;
            at < next && looks < 300;
            at += MINUTE, looks++
          ) {
            const between = shows(at);
            if (matches(minute, between.minute) && matches(hour, between.hour)) {
              assert(
                isFixed && seenBefore(zone, at),
                `${minute} ${hour} in ${zone} left out ${new Date(at).toISOString()}`,
              );
            }
          }
          const key = `${shown.text}`;
          if (isFixed) assert(!seen.has(key), `${key} came twice`);
          seen.add(key);
          from = next;
        }
      },
    ),
    { numRuns: thorough(150, 50) },
  );
});

function readingShown(zone: string, at: number) {
  const zoned = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(zone);
  const { minute, hour, offsetNanoseconds: offset } = zoned;
  return { minute, hour, offset, text: zoned.toPlainDateTime().toString() };
}

/** Whether the clock has shown the same within the hours before. */
function seenBefore(zone: string, at: number): boolean {
  const shown = readingShown(zone, at).text;
  return [30, 60, 120].some((minutes) => readingShown(zone, at - minutes * MINUTE).text === shown);
}

function matches(field: string, value: number): boolean {
  return field.split(",").some((part) => {
    const [range = "", step] = part.split("/");
    if (range === "*") return value % Number(step ?? 1) === 0;
    const [low = "", high = low] = range.split("-");
    return value >= Number(low) && value <= Number(high);
  });
}

/** A schedule by a clock that the test sets. */
function steered(cron: string, from: string, timeZone = "UTC") {
  const clock = { now: Date.parse(from) };
  const schedule = scheduleOf({ cron, timeZone }, { wall: () => clock.now, monotonic: () => 0 });
  schedule.next();
  return {
    clock,
    schedule,
    /** When it is due, as it sees it now. */
    due: () => new Date(clock.now + schedule.left()).toISOString().slice(0, 19),
    runAt: (at: string) => {
      clock.now = Date.parse(at);
      assert(schedule.left() <= 0, `it is not due at ${at}`);
      schedule.next();
    },
  };
}

Deno.test("a time that has come does not come again where the clock is set back, by some ms or by an hour", () => {
  for (const cron of ["* * * * *", "0 12 * * *"]) {
    for (const back of ["2026-06-06T11:59:59.950Z", "2026-06-06T11:59:59.998Z", "2026-06-06T11:00:00Z"]) {
      const { clock, schedule, runAt, due } = steered(cron, "2026-06-06T11:59:30Z");
      clock.now = Date.parse("2026-06-06T12:00:00.001Z");
      assert(schedule.left() <= 0);
      clock.now = Date.parse(back);
      schedule.next();
      const next = cron === "* * * * *" ? "2026-06-06T12:01:00" : "2026-06-07T12:00:00";
      assertEquals(due(), next, `${cron}, set back to ${back}`);
      runAt(`${next}.001Z`);
    }
  }
});

Deno.test("a clock that is set back while a time is waited for brings no time closer, and one that was wrong by hours is forgotten", () => {
  const waiting = steered("0 * * * *", "2026-06-06T12:30:00Z");
  waiting.clock.now = Date.parse("2026-06-06T12:20:00Z");
  assertEquals(waiting.due(), "2026-06-06T13:00:00");
  waiting.clock.now = Date.parse("2026-06-06T10:20:00Z");
  assertEquals(waiting.due(), "2026-06-06T11:00:00");
  const wrong = steered("*/5 * * * *", "2031-01-01T00:00:00Z");
  wrong.runAt("2031-01-01T00:05:00Z");
  wrong.clock.now = Date.parse("2026-06-06T12:01:00Z");
  assertEquals(wrong.due(), "2026-06-06T12:05:00");
});

Deno.test("a time that the clock jumps over by more than a minute is missed; by less, it is run late", () => {
  const { clock, schedule, due } = steered("0 * * * *", "2026-06-06T12:30:00Z");
  clock.now = Date.parse("2026-06-06T13:00:50Z");
  assert(schedule.left() <= 0);
  clock.now = Date.parse("2026-06-06T13:05:00Z");
  assertEquals(due(), "2026-06-06T14:00:00");
});

Deno.test("around the repeated hour a job that takes no time runs as often as its times come", () => {
  for (
    const [cron, zone, from, to, runs] of [
      ["30 2 * * *", "Europe/Berlin", "2026-10-25T00:00Z", "2026-10-25T03:00Z", 1],
      ["59 2 * * *", "Europe/Berlin", "2026-10-25T00:00Z", "2026-10-25T03:00Z", 1],
      ["*/10 * * * *", "Europe/Berlin", "2026-10-25T00:01Z", "2026-10-25T03:00Z", 18],
      ["*/5 * * * *", "Europe/London", "2026-10-25T00:01Z", "2026-10-25T02:00Z", 24],
      ["*/10 * * * *", "Australia/Lord_Howe", "2026-04-04T14:25Z", "2026-04-04T16:00Z", 10],
    ] as const
  ) {
    const { clock, schedule } = steered(cron, from, zone);
    let count = 0;
    for (; clock.now <= Date.parse(to) + 7000; clock.now += 7000) {
      if (schedule.left() > 0) continue;
      count++;
      schedule.next();
      assert(schedule.left() > 0, "it is not due again at once");
    }
    assertEquals(count, runs, `${cron} in ${zone}`);
  }
});
