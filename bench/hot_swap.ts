/**
 * Changes the files of a plugin under load, again and again, and has each change taken over by `mevent reload` or seen by
 * `watch`: counts what was lost, doubled, dropped, or answered by a mixture of versions. All of it is to be 0. Prints
 * Markdown; exits with 1 where a count is not 0.
 *
 *     ./denow task bench-swap --mevent dist/mevent --swaps 200
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { setTimeout as pause } from "node:timers/promises";
import { Connection } from "../src/client/mod.ts";
import { lossFaults, reportChanges } from "./reload/change_report.ts";
import { type ChangedFolder, ChangedServer } from "./reload/changed_server.ts";
import { countText, megabytesText, microsecondsText } from "./support/figures.ts";
import { HotSwapLoad, swapFiles, SWAPPED } from "./reload/hot_swap_load.ts";
import { describeMachine } from "./support/machine.ts";
import { median } from "./support/median.ts";

/** A swap that takes longer has failed, in ms. */
const SWAP_MS = 30_000;
const CONNECTIONS = 4;
/** So long the load goes on between two swaps, in ms. */
const BETWEEN_MS = 50;
const LOOK_EVERY_MS = 2;
/** Memory is looked at after each so many swaps. */
const PER_LOOK = 40;

const args = parseArgs(Deno.args, {
  string: ["mevent", "swaps"],
  boolean: ["watch"],
  default: { mevent: "dist/mevent", swaps: "200" },
});
const program = String(args["mevent"]);
const swaps = Number(args["swaps"]);
const isWatched = args["watch"] === true;
const machine = describeMachine();
await using server = await ChangedServer.start(program, SWAPPED, writeFirst);
const memory = [(await server.stats()).rss_bytes];
const load = new HotSwapLoad(
  await Promise.all(Array.from({ length: CONNECTIONS }, () => Connection.connect(server.address))),
);
const times: number[] = [];
const start = performance.now();
for (let version = 1; version <= swaps; version++) {
  await pause(BETWEEN_MS);
  times.push(await swapTo(version));
  load.version = version;
  if (version % PER_LOOK === 0) memory.push((await server.stats()).rss_bytes);
}
const tally = await load.end();
const seconds = (performance.now() - start) / 1000;
const settled = await server.settled();
const taken = tally.sync + tally.async;
reportChanges("./denow task bench-swap", machine, {
  before: [
    ["swaps", countText(times.length)],
    [
      "a swap, from the files' change to the end of the reload, median",
      microsecondsText(median(times) * 1000),
    ],
    ["a swap, longest", microsecondsText(Math.max(...times) * 1000)],
    ["versions that answered", countText(tally.versions.size)],
    ["operations, sync", countText(tally.sync)],
    ["operations, async", countText(tally.async)],
    ["operations a second", countText(taken / seconds)],
    ["of them refused, told BUSY", countText(tally.refused)],
  ],
  faults: [
    ["failed", tally.failed],
    ...lossFaults(settled, taken),
    ["what ran is not what was sent", Math.abs(tally.sum - settled.figure("sum"))],
    ["answered by a mixture", tally.mixed + settled.figure("mixed")],
    ["answered by a version that was replaced before", tally.stale],
    ["answers to no request", tally.stray],
    ["connections dropped", tally.dropped],
  ],
  after: [
    [`memory before, and after each ${PER_LOOK} swaps`, memory.map(megabytesText).join(", ")],
    ["memory after it", megabytesText(settled.server.rss_bytes)],
  ],
});

async function writeFirst(place: ChangedFolder): Promise<void> {
  const { folder, port } = place;
  await write(place, 0);
  await Deno.writeTextFile(
    `${folder}/bench.toml`,
    `[server]\ntcp = "127.0.0.1:${port}"\nudp = ""\ncontrol = "${folder}/control"\n` +
      `[[plugin]]\nname = "${SWAPPED}"\nmodule = "./swapped.ts"\nworkers = 2\nwatch = ${isWatched}\n`,
  );
}

/** Writes a version: where it is watched, so that no look sees one file of it without the other. */
async function write({ folder }: ChangedFolder, version: number): Promise<void> {
  const files = Object.entries(swapFiles(version));
  for (const [name, text] of files) await Deno.writeTextFile(`${folder}/${name}.new`, text);
  for (const [name] of files) Deno.renameSync(`${folder}/${name}.new`, `${folder}/${name}`);
}

/** Changes the files, waits until that version serves, and returns how long that took, in ms. */
async function swapTo(version: number): Promise<number> {
  const start = performance.now();
  await write(server, version);
  if (isWatched) {
    while (!load.tally.versions.has(version)) {
      if (performance.now() - start > SWAP_MS) {
        throw new Error(`version ${version} never answers: ${server.process.stderr}`);
      }
      await pause(LOOK_EVERY_MS);
    }
  } else {
    const { success, stderr } = await new Deno.Command(program, {
      args: ["reload", "--control", `${server.folder}/control`],
    }).output();
    if (!success) throw new Error(`swap ${version} has failed: ${new TextDecoder().decode(stderr)}`);
  }
  return performance.now() - start;
}
