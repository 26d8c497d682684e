import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { Log } from "../../src/observe/log.ts";
import { LOG_LEVELS, LogLevels } from "../../src/observe/log_levels.ts";
import { type LineFilter, LogRing, MAX_KEPT_LINES } from "../../src/observe/log_ring.ts";

const ALL: LineFilter = { after: 0, level: "debug", plugin: null, text: "", limit: 1000, maySee: () => true };

function add(ring: LogRing, message: string, fields: Record<string, string> = {}): void {
  ring.add(1, "info", message, fields, JSON.stringify(fields));
}

Deno.test("the last thousand lines are kept, with numbers that have no gap, and what is missing is said", () => {
  const ring = new LogRing();
  assertEquals(ring.find(ALL), { lines: [], last: 0, missed: 0, truncated: false });
  for (let i = 1; i <= 2500; i++) add(ring, `line ${i}`);
  const { lines, last, missed, truncated } = ring.find(ALL);
  assertEquals([lines.length, lines[0]!.seq, last, missed, truncated], [1000, 1501, 2500, 1500, false]);
  assertEquals(lines.map(({ message }) => message), lines.map(({ seq }) => `line ${seq}`));
  const few = ring.find({ ...ALL, after: 2000, limit: 10 });
  assertEquals([few.lines[0]!.seq, few.lines.length, few.missed, few.truncated], [2491, 10, 0, true]);
  assertEquals(ring.find({ ...ALL, after: 2500 }).lines, []);
});

Deno.test("long lines push out more of the older ones: memory is bounded", () => {
  const ring = new LogRing();
  for (let i = 0; i < 500; i++) add(ring, "long", { text: "x".repeat(60_000) });
  const { lines, last, missed } = ring.find(ALL);
  assert(lines.length > 50 && lines.length < 100, `${lines.length} lines`);
  assertEquals([last, missed], [500, 500 - lines.length]);
});

Deno.test("a filter finds what all lines looked at one by one have", () => {
  const line = fc.record({
    level: fc.constantFrom(...LOG_LEVELS),
    plugin: fc.constantFrom("a", "b", ""),
    message: fc.constantFrom("Orders were lost", "all is well"),
  });
  const filter = fc.record({
    after: fc.nat(40),
    level: fc.constantFrom(...LOG_LEVELS),
    plugin: fc.constantFrom(null, "a", "b"),
    text: fc.constantFrom("", "orders", "WELL", '"plugin":"b"'),
    limit: fc.integer({ min: 1, max: MAX_KEPT_LINES }),
    hidden: fc.constantFrom("", "a"),
  });
  fc.assert(fc.property(fc.array(line, { maxLength: 40 }), filter, (given, { hidden, ...wanted }) => {
    const ring = new LogRing();
    for (const { level, plugin, message } of given) {
      const fields: Record<string, string> = plugin === "" ? {} : { plugin };
      ring.add(1, level, message, fields, JSON.stringify(fields));
    }
    const found = ring.find({ ...wanted, maySee: (plugin) => plugin !== hidden });
    const expected = given.map((each, at) => ({ ...each, seq: at + 1 })).filter(
      ({ seq, level, plugin, message }) => {
        const text = `${message}${plugin === "" ? "" : JSON.stringify({ plugin })}`.toLowerCase();
        return seq > wanted.after && LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(wanted.level) &&
          (wanted.plugin === null || wanted.plugin === plugin) && (hidden === "" || plugin !== hidden) &&
          text.includes(wanted.text.toLowerCase());
      },
    );
    assertEquals(found.lines.map(({ seq }) => seq), expected.slice(-wanted.limit).map(({ seq }) => seq));
    assertEquals(found.truncated, expected.length > wanted.limit);
  }));
});

Deno.test("what was said to the running server goes before its config, and a plugin's level before the server's", () => {
  const levels = new LogLevels("info");
  const admitted = (plugin?: string) => LOG_LEVELS.find((level) => levels.admits(level, plugin));
  assertEquals([admitted(), admitted("a")], ["info", "info"]);
  levels.configurePlugin("a", "error");
  assertEquals([admitted(), admitted("a"), levels.of("a"), levels.of("b")], ["info", "error", "error", null]);
  levels.set("a", "debug");
  levels.configurePlugin("a", "warn");
  assertEquals([admitted("a"), admitted("b")], ["debug", "info"]);
  levels.set("a", null);
  assertEquals(admitted("a"), "warn");
  levels.set(null, "error");
  levels.configure("debug");
  assertEquals([admitted(), admitted("a"), levels.server], ["error", "warn", "error"]);
  levels.set(null, null);
  levels.configurePlugin("a", null);
  assertEquals([admitted(), admitted("a"), levels.of("a")], ["debug", "debug", null]);
});

Deno.test("a line that is repeated for ever is told of each minute, and kept as it is written", () => {
  const lines: string[] = [];
  let now = 0;
  const log = new Log({
    level: "info",
    format: "json",
    colour: false,
    write: (line) => lines.push(line),
    clock: () => new Date(now),
  });
  for (; now < 150_000; now += 1000) {
    log.warn("again", { n: 1 });
    log.tick();
  }
  assertEquals(lines.map((line) => JSON.parse(line)).map(({ message, times }) => [message, times]), [
    ["again", undefined],
    ["the line before was repeated", 60],
    ["again", undefined],
    ["the line before was repeated", 60],
    ["again", undefined],
  ]);
  assertEquals(
    log.ring.find(ALL).lines.map(({ message }) => message),
    lines.map((line) => JSON.parse(line).message),
  );
});
