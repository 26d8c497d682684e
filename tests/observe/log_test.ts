import { assertEquals } from "@std/assert";
import type { JsonObject } from "../../src/plugin.ts";
import { Log, type LogOptions } from "../../src/observe/log.ts";

function logged(write: (log: Log) => void, options: Partial<LogOptions> = {}): string[] {
  const lines: string[] = [];
  const clock = () => new Date("2026-01-02T03:04:05.678Z");
  write(
    new Log({
      level: "info",
      format: "text",
      colour: false,
      write: (line) => lines.push(line),
      clock,
      ...options,
    }),
  );
  return lines;
}

Deno.test("a line of text has the time, the level, the message and the fields", () => {
  assertEquals(
    logged((log) => log.warn("queue is full", { plugin: "echo", ops: 7, text: "two words", empty: "" })),
    [`03:04:05.678 warn  queue is full plugin=echo ops=7 text="two words" empty=""\n`],
  );
});

Deno.test("a line of JSON has the same under stable keys", () => {
  const [line] = logged((log) => log.error("broken", { code: 17 }), { format: "json" });
  assertEquals(JSON.parse(line!), {
    time: "2026-01-02T03:04:05.678Z",
    level: "error",
    message: "broken",
    code: 17,
  });
});

Deno.test("what is below the level is not written", () => {
  assertEquals(logged((log) => log.debug("nothing")), []);
  assertEquals(logged((log) => (log.info("nothing"), log.error("something")), { level: "error" }).length, 1);
});

Deno.test("a line that repeats the one before is counted instead of written", () => {
  const lines = logged((log) => {
    for (let i = 0; i < 1000; i++) log.warn("again", { n: 1 });
    log.warn("other");
  });
  assertEquals(lines.length, 3);
  assertEquals(lines[1]!.includes("times=999"), true);
});

Deno.test("what a caller wrote cannot forge a line, nor steer the terminal", () => {
  const lines = logged((log) => log.info("a\nerror forged\x1b[31m", { value: "b\nc" }));
  assertEquals(lines.length, 1);
  assertEquals(lines[0]!.trimEnd().includes("\n"), false);
  assertEquals(lines[0]!.includes("\x1b"), false);
});

Deno.test("fields named as the line's own keys get a trailing _", () => {
  const [line] = logged((log) => log.info("m", { time: 1, level: "x", message: "y", message_: "z" }), {
    format: "json",
  });
  assertEquals(JSON.parse(line!), {
    time: "2026-01-02T03:04:05.678Z",
    level: "info",
    message: "m",
    time_: 1,
    level_: "x",
    message_: "z",
    message__: "y",
  });
});

Deno.test("fields that cannot be written cost the line its fields and nothing else", () => {
  const cycle: JsonObject = {};
  cycle["self"] = cycle;
  for (const format of ["text", "json"] as const) {
    const lines = logged((log) => {
      log.info("cycle", cycle);
      log.info("long", { text: "x".repeat(100_000) });
      log.info("after");
    }, { format });
    assertEquals(lines.length, 3);
    assertEquals(lines[0]!.includes("cannot be written as JSON"), true);
    assertEquals(lines[1]!.includes("not written"), true);
  }
});

Deno.test("names and values of fields cannot steer the terminal either", () => {
  const [line] = logged((log) => log.info("m", { "a\nb": "\x1b[31m\x9b", c: "\x7f x" }));
  // deno-lint-ignore no-control-regex
  assertEquals(/[\x00-\x1f\x7f-\x9f]/.test(line!.trimEnd()), false);
});
