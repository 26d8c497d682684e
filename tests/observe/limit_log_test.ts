import { assertEquals } from "@std/assert";
import { LimitLog } from "../../src/observe/limit_log.ts";
import { Log } from "../../src/observe/log.ts";

/** A limit log whose clock is set by hand, and the lines it writes. */
function limitLog(): { limits: LimitLog; lines: Record<string, unknown>[]; setClock: (ms: number) => void } {
  const lines: Record<string, unknown>[] = [];
  let time = 5000;
  const log = new Log({
    level: "debug",
    format: "json",
    colour: false,
    write: (line) => lines.push(JSON.parse(line)),
    clock: () => new Date(time),
  });
  return { limits: new LimitLog(log, () => time), lines, setClock: (ms) => time = 5000 + ms };
}

Deno.test("a limit is told when it is reached first, then with how often, at most once a second", () => {
  const { limits, lines, setClock } = limitLog();
  for (let ms = 0; ms < 2500; ms += 10) {
    setClock(ms);
    limits.reached("max_connections", { max_connections: 3 });
    if (ms % 500 === 490) limits.tick();
  }
  assertEquals(lines.map(({ times }) => times), [undefined, 149, 100]);
  assertEquals(lines.map(({ limit, max_connections }) => [limit, max_connections]), [
    ["max_connections", 3],
    ["max_connections", 3],
    ["max_connections", 3],
  ]);
  assertEquals(limits.counts["max_connections"], 250);
  limits.reached("max_connections");
  limits.flush();
  limits.flush();
  assertEquals(lines.map(({ times }) => times), [undefined, 149, 100, undefined]);
});

Deno.test("limits are told apart, and one that was quiet for a second is told at once again", () => {
  const { limits, lines, setClock } = limitLog();
  limits.reached("max_depth", {}, 7);
  limits.reached("frame_timeout");
  setClock(1000);
  limits.tick();
  assertEquals(lines.map(({ limit, times }) => [limit, times]), [["max_depth", 7], [
    "frame_timeout",
    undefined,
  ]]);
  setClock(1001);
  limits.reached("max_depth");
  assertEquals(lines.length, 3);
  assertEquals([limits.counts["max_depth"], limits.counts["frame_timeout"], limits.counts["max_keys"]], [
    8,
    1,
    0,
  ]);
});

Deno.test("lines over max_log_lines are left out until their second is over, and then counted in one", () => {
  const lines: { message: string; lines?: number }[] = [];
  let time = 0;
  const log = new Log({
    level: "info",
    format: "json",
    colour: false,
    maxLines: 10,
    write: (line) => lines.push(JSON.parse(line)),
    clock: () => new Date(time),
  });
  for (let n = 0; n < 25; n++) log.info("a line", { n });
  log.tick();
  assertEquals(lines.length, 10);
  time = 1000;
  log.tick();
  assertEquals(lines.slice(10).map(({ message, lines }) => [message.slice(0, 22), lines]), [[
    "log lines were left ou",
    15,
  ]]);
  for (let n = 0; n < 12; n++) log.info("a line", { n });
  time = 2000;
  log.info("the first of the next second");
  assertEquals(lines.slice(21).map(({ message, lines }) => [message.slice(0, 9), lines]), [
    ["log lines", 2],
    ["the first", undefined],
  ]);
  for (let n = 0; n < 11; n++) log.info("a line", { n });
  log.flush();
  assertEquals([lines.at(-1)!.lines, log.dropped], [2, 19]);
});
