/**
 * Works at four fifths of the rates that the server is to reach, or that this machine stands where those are less, for
 * as long as it is told, and watches memory, descriptors and errors. Prints Markdown; exit code 1 where memory is not
 * flat or anything went wrong.
 *
 *     ./denow task soak --minutes 20
 *
 * @module
 */
import { benchArgs } from "./support/args.ts";
import { describeMachine } from "./support/machine.ts";
import { markdownTable } from "./support/markdown_table.ts";
import { median } from "./support/median.ts";
import { doShift, measureRate, WorkTally } from "./soak/shift.ts";
import { WORKS } from "./soak/works.ts";
import { WatchedServer } from "./support/watched_server.ts";

const USAGE = `Usage: ./denow task soak [options]
  --minutes N     how long (20)
  --share S       of the rates (0.8)
  --mevent FILE   an executable instead of the source
`;
/** One kind of work has its turn for so long, in ms. */
const SHIFT_MS = 1000;
/** Each kind is measured for so long before, in ms. */
const MEASURE_MS = 2000;
/** What memory may grow after the warm-up, a share of the time. */
const WARM_UP = 0.25;
const MAX_GROWTH_BYTES = 50 * 2 ** 20;
/** Samples at the beginning and the end that are compared, a share of those after the warm-up. */
const COMPARED = 0.2;
const TELL_EVERY_MS = 60_000;
const CONFIG = `
[server]
log_level = "warn"
log_format = "json"

[[plugin]]
name = "echo"
module = "builtin:echo"
queue = { max_ops = 4_000_000, max_bytes = "900 MiB" }
`;

const args = benchArgs(USAGE, ["minutes", "share", "mevent"]);
const durationMs = args.number("minutes", 20) * 60_000;
const share = args.number("share", 0.8);
const machine = describeMachine();

await using server = await WatchedServer.start({ mevent: args.text("mevent"), config: CONFIG });
const tallies: WorkTally[] = [];
for (const work of WORKS) {
  const rate = await measureRate(server, work, MEASURE_MS);
  tallies.push(new WorkTally(work, share * Math.min(rate, work.bar)));
  console.error(
    `${work.name}: ${figure(rate)}/s without rest, ${figure(tallies.at(-1)!.rate)}/s from here on`,
  );
}
const descriptors = server.descriptors;
const samples: number[] = [];
const start = performance.now();
let toldAt = start;
let shifts = 0;
while (performance.now() - start < durationMs && !server.process.hasEnded) {
  await doShift(server, tallies[shifts++ % tallies.length]!, SHIFT_MS);
  const now = performance.now();
  if (now - start > durationMs * WARM_UP) samples.push(server.resident);
  if (now - toldAt < TELL_EVERY_MS) continue;
  toldAt = now;
  console.error(`${((now - start) / 60_000).toFixed(0)} min: RSS ${mib(server.resident)}`);
}

const count = Math.max(1, Math.floor(samples.length * COMPARED));
const before = median(samples.slice(0, count));
const after = median(samples.slice(-count));
const errors = tallies.reduce((sum, tally) => sum + tally.errors, 0);
console.log(`${((performance.now() - start) / 60_000).toFixed(1)} minutes on ${machine}\n`);
console.log(markdownTable(
  ["work, a second each in turns", "wanted/s", "reached/s", "requests", "errors", "p50", "p99"],
  tallies.map((tally) => [
    tally.work.name,
    figure(tally.rate),
    figure(tally.reached),
    figure(tally.requests),
    figure(tally.errors),
    milliseconds(tally, 0.5),
    milliseconds(tally, 0.99),
  ]),
));
console.log(
  `RSS ${mib(before)} after the warm-up, ${mib(after)} at the end, ${mib(Math.max(...samples))} at most; ` +
    `descriptors ${descriptors} before, ${server.process.hasEnded ? 0 : server.descriptors} after; ` +
    `${server.log.length} warnings and errors logged`,
);
const failure = server.process.hasEnded
  ? `the server has died: ${server.process.stderr}`
  : errors > 0
  ? `${errors} requests went wrong`
  : server.log.length > 0
  ? `the server logged ${server.log[0]}`
  : after - before > MAX_GROWTH_BYTES
  ? "memory grows"
  : server.descriptors > descriptors
  ? "descriptors are left open"
  : undefined;
if (failure !== undefined) {
  console.log(`FAILED: ${failure}`);
  Deno.exitCode = 1;
}

function figure(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

function mib(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(0)} MiB`;
}

function milliseconds({ times }: WorkTally, share: number): string {
  return `${(times.quantile(share) / 1000).toFixed(2)} ms`;
}
