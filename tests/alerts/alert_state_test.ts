import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { type AlertNews, AlertState, type AlertStateName } from "../../src/alerts/alert_state.ts";

const TIMES = { for: 10, clear: 20, repeat: 100 };

type Look = readonly [now: number, holds: boolean, state: AlertStateName, news: AlertNews | null];

function walk(times: typeof TIMES, looks: readonly Look[]): Set<string> {
  const state = new AlertState();
  const edges = new Set<string>();
  for (const [now, holds, name, news] of looks) {
    const before = state.name;
    assertEquals(state.look(holds, now, times), news, `news at ${now}`);
    assertEquals(state.name, name, `state at ${now}`);
    edges.add(`${before} -> ${name}`);
  }
  return edges;
}

Deno.test("an alert goes along every edge of its states, and tells its firing, its repeats and its end", () => {
  const edges = walk(TIMES, [
    [0, false, "ok", null],
    [1, true, "pending", null],
    [5, true, "pending", null],
    [6, false, "ok", null],
    [10, true, "pending", null],
    [20, true, "firing", "firing"],
    [30, true, "firing", null],
    [40, false, "clearing", null],
    [59, false, "clearing", null],
    [59, true, "firing", null],
    [119, true, "firing", null],
    [120, true, "firing", "repeated"],
    [121, false, "clearing", null],
    [130, true, "firing", null],
    [200, false, "clearing", null],
    [230, false, "ok", "resolved"],
    [231, true, "pending", null],
    // Long silence between two looks: a machine that slept.
    [900, true, "firing", "firing"],
    [901, false, "clearing", null],
    [1005, true, "firing", "repeated"],
  ]);
  const all = ["ok -> ok", "ok -> pending", "pending -> pending", "pending -> ok", "pending -> firing"];
  const others = [
    "firing -> firing",
    "firing -> clearing",
    "clearing -> clearing",
    "clearing -> firing",
    "clearing -> ok",
  ];
  assertEquals([...edges].sort(), [...all, ...others].sort());
});

Deno.test("without for and clear it is told at once, and without repeat once", () => {
  const edges = walk({ for: 0, clear: 0, repeat: 0 }, [
    [0, true, "firing", "firing"],
    [1_000_000, true, "firing", null],
    [1_000_001, false, "ok", "resolved"],
    [1_000_002, true, "firing", "firing"],
  ]);
  assertEquals([...edges].sort(), ["firing -> firing", "firing -> ok", "ok -> firing"]);
});

Deno.test("since when it holds is told while it does, and from its beginning", () => {
  const state = new AlertState();
  assertEquals([state.since, state.isTold], [null, false]);
  state.look(true, 5, TIMES);
  assertEquals([state.since, state.isTold], [5, false]);
  state.look(true, 15, TIMES);
  state.look(false, 17, TIMES);
  state.look(true, 18, TIMES);
  assertEquals([state.since, state.isTold], [5, true]);
  state.look(false, 20, TIMES);
  state.look(false, 40, TIMES);
  assertEquals([state.since, state.isTold], [null, false]);
});

/** A load that holds and does not by turns, each for so many looks. */
const flaps = fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 40 });
const times = fc.record({
  for: fc.integer({ min: 0, max: 30 }),
  clear: fc.integer({ min: 0, max: 30 }),
  repeat: fc.constantFrom(0, 1, 17, 1000),
});

Deno.test("whatever flaps, firing and resolved take turns, and each only after its time", () => {
  fc.assert(fc.property(flaps, times, (runs, limits) => {
    const state = new AlertState();
    let isFiring = false;
    let now = 0;
    let toldAt = 0;
    for (const [at, run] of runs.entries()) {
      const holds = at % 2 === 0;
      for (let look = 0; look < run; look++, now++) {
        const news = state.look(holds, now, limits);
        if (news === "firing") {
          assert(!isFiring && holds && look >= limits.for);
          [isFiring, toldAt] = [true, now];
        } else if (news === "resolved") {
          assert(isFiring && !holds && look >= limits.clear);
          isFiring = false;
        } else if (news === "repeated") {
          assert(isFiring && holds && limits.repeat > 0 && now - toldAt >= limits.repeat);
          toldAt = now;
        }
        // What holds, or does not, for long enough is told.
        if (holds && look >= limits.for) assert(isFiring);
        if (!holds && look >= limits.clear) assert(!isFiring);
      }
    }
  }));
});

Deno.test("a load that flaps faster than for and clear fires once and resolves once", () => {
  const flap = fc.array(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 19 })), {
    maxLength: 30,
  });
  fc.assert(fc.property(flap, flap, flap, (before, during, after) => {
    const state = new AlertState();
    const news: AlertNews[] = [];
    let now = 0;
    const look = (holds: boolean, times: number) => {
      for (let i = 0; i < times; i++) {
        const told = state.look(holds, now++, { ...TIMES, repeat: 0 });
        if (told !== null) news.push(told);
      }
    };
    for (const [up, down] of before) (look(true, up), look(false, down));
    assertEquals(news, []);
    look(true, 11);
    for (const [up, down] of during) (look(false, down), look(true, up));
    assertEquals(news, ["firing"]);
    look(false, 21);
    assertEquals(news, ["firing", "resolved"]);
    for (const [up, down] of after) (look(true, up), look(false, down));
    assertEquals(news, ["firing", "resolved"]);
  }));
});
