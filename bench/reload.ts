/**
 * Reloads a server a hundred times under full load and counts what was lost, doubled or dropped: all of it is to be 0.
 * Prints Markdown; exits with 1 where a count is not 0.
 *
 *     ./denow run -A bench/reload.ts --loadgen FOLDER
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { setTimeout as pause } from "node:timers/promises";
import { lossFaults, reportChanges } from "./reload/change_report.ts";
import { type ChangedFolder, ChangedServer } from "./reload/changed_server.ts";
import { countText, megabytesText, microsecondsText } from "./support/figures.ts";
import { freePort } from "./support/free_port.ts";
import { Loadgen } from "./loadgen.ts";
import { describeMachine } from "./support/machine.ts";
import { median } from "./support/median.ts";
import { ReloadLoad } from "./reload/load.ts";

/** A reload that takes longer has failed, in ms. */
const RELOAD_MS = 30_000;
/** So long the load goes on between two reloads, in ms. */
const BETWEEN_MS = 100;
const LOOK_EVERY_MS = 2;

const args = parseArgs(Deno.args, {
  string: ["mevent", "loadgen", "reloads"],
  default: { mevent: "dist/mevent", loadgen: Deno.env.get("LOADGEN") ?? "", reloads: "100" },
});
const loadgen = await Loadgen.find(String(args["loadgen"]));
const reloads = Number(args["reloads"]);
const machine = describeMachine();
const otherPort = freePort();
const program = String(args["mevent"]);
await using server = await ChangedServer.start(program, "counted", (place) => write(place, 0), "--no-udp");
const before = (await server.stats()).rss_bytes;
const load = new ReloadLoad(loadgen, server.port);
const times: number[] = [];
const start = performance.now();
for (let round = 1; round <= reloads; round++) {
  await pause(BETWEEN_MS);
  times.push(await reloadTo(round));
}
const tally = await load.end();
const seconds = (performance.now() - start) / 1000;
const settled = await server.settled();
reportChanges("./denow run -A bench/reload.ts", machine, {
  before: [
    ["reloads", countText(times.length)],
    ["a reload, median", microsecondsText(median(times) * 1000)],
    ["a reload, longest", microsecondsText(Math.max(...times) * 1000)],
    ["requests", countText(tally.sent)],
    ["requests a second", countText(tally.sent / seconds)],
    ["of them refused, told BUSY", countText(tally.refused)],
  ],
  faults: [
    ["failed, or never answered", tally.failed],
    ...lossFaults(settled, tally.done),
    ["answers to no request", tally.stray],
    ["connections dropped", tally.dropped],
  ],
  after: [
    ["memory before", megabytesText(before)],
    ["memory after", megabytesText(settled.server.rss_bytes)],
  ],
});

/** Writes the config of a round: another time-out and module text each time, other workers, listeners and plugins by turns. */
async function write({ folder, port }: ChangedFolder, round: number): Promise<void> {
  const source = await Deno.readTextFile(new URL("plugins/counted.js", import.meta.url));
  await Deno.writeTextFile(`${folder}/counted.js`, source.replaceAll("ROUND", String(round)));
  const listeners = [port, ...round % 2 === 1 ? [otherPort] : []].map((each) => `"127.0.0.1:${each}"`);
  await Deno.writeTextFile(
    `${folder}/bench.toml`,
    `
[server]
tcp = [${listeners.join(", ")}]
max_in_flight = ${4096 + round}

[[plugin]]
name = "counted"
module = "./counted.js"
timeout = "${timeoutOf(round)}"
workers = ${1 + Math.floor(round / 2) % 2}
queue = { max_ops = 200_000 }
${round % 3 === 1 ? '[[plugin]]\nname = "guest"\nmodule = "builtin:echo"\n' : ""}`,
  );
}

/** Odd, so that it is shown in ms as it stands here. */
function timeoutOf(round: number): string {
  return `${100_001 + 2 * round}ms`;
}

/** Lets the server load the round's config and returns how long that took, in ms. */
async function reloadTo(round: number): Promise<number> {
  await write(server, round);
  const start = performance.now();
  server.process.signal("SIGHUP");
  while (!server.process.stderr.includes(`-> ${timeoutOf(round)}`)) {
    if (performance.now() - start > RELOAD_MS) {
      throw new Error(`reload ${round} has failed: ${server.process.stderr}`);
    }
    await pause(LOOK_EVERY_MS);
  }
  return performance.now() - start;
}
