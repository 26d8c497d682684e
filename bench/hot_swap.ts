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
import * as v from "valibot";
import { Client } from "../src/client/mod.ts";
import { ChildProcess } from "./child_process.ts";
import { countText, megabytesText, microsecondsText } from "./figures.ts";
import { freePort } from "./free_port.ts";
import { HotSwapLoad, swapFiles, SWAPPED } from "./hot_swap_load.ts";
import { describeMachine } from "./machine.ts";
import { markdownTable } from "./markdown_table.ts";
import { median } from "./median.ts";

/** A swap that takes longer has failed, in ms. */
const SWAP_MS = 30_000;
const CONNECTIONS = 4;
/** So long the load goes on between two swaps, in ms. */
const BETWEEN_MS = 50;
const LOOK_EVERY_MS = 2;
/** Memory is looked at after each so many swaps. */
const PER_LOOK = 40;

const Stats = v.object({
  rss_bytes: v.number(),
  plugins: v.array(v.object({
    name: v.string(),
    queued: v.number(),
    in_flight: v.number(),
    accepted: v.number(),
    done: v.number(),
    failed: v.number(),
    restarts: v.number(),
    counters: v.record(v.string(), v.number()),
  })),
});

const args = parseArgs(Deno.args, {
  string: ["mevent", "swaps"],
  boolean: ["watch"],
  default: { mevent: "dist/mevent", swaps: "200" },
});
const program = String(args["mevent"]);
const swaps = Number(args["swaps"]);
const isWatched = args["watch"] === true;
const machine = describeMachine();
const folder = await Deno.makeTempDir();
const port = freePort();
const address = { transport: "tcp", hostname: "127.0.0.1", port } as const;
await write(0);
await Deno.writeTextFile(
  `${folder}/bench.toml`,
  `[server]\ntcp = "127.0.0.1:${port}"\nudp = ""\ncontrol = "${folder}/control"\n` +
    `[[plugin]]\nname = "${SWAPPED}"\nmodule = "./swapped.ts"\nworkers = 2\nwatch = ${isWatched}\n`,
);
const server = new ChildProcess(program, [
  "serve",
  "--config",
  `${folder}/bench.toml`,
  "--log-format",
  "json",
]);
try {
  await server.listens(port);
  const memory = [(await stats()).rss_bytes];
  const load = new HotSwapLoad(
    await Promise.all(Array.from({ length: CONNECTIONS }, () => Client.connect(address))),
  );
  const times: number[] = [];
  const start = performance.now();
  for (let version = 1; version <= swaps; version++) {
    await pause(BETWEEN_MS);
    times.push(await swapTo(version, load));
    load.version = version;
    if (version % PER_LOOK === 0) memory.push((await stats()).rss_bytes);
  }
  const tally = await load.end();
  const seconds = (performance.now() - start) / 1000;
  const { plugin, rss_bytes } = await settled();
  const figure = (name: string) => plugin.counters[name] ?? 0;
  const taken = tally.sync + tally.async;
  const faults: [string, number][] = [
    ["failed", tally.failed + plugin.failed],
    ["accepted and not run", Math.max(0, plugin.accepted - figure("ran"))],
    ["run more often than accepted", Math.max(0, figure("ran") - plugin.accepted)],
    ["accepted but not told so, or the other way round", Math.abs(plugin.accepted - taken)],
    ["what ran is not what was sent", Math.abs(tally.sum - figure("sum"))],
    ["answered by a mixture", tally.mixed + figure("mixed")],
    ["answered by a version that was replaced before", tally.stale],
    ["answers to no request", tally.stray],
    ["connections dropped", tally.dropped],
    ["workers died", plugin.restarts],
  ];
  const rows = [
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
    ...faults.map(([what, count]) => [what, countText(count)]),
    [`memory before, and after each ${PER_LOOK} swaps`, memory.map(megabytesText).join(", ")],
    ["memory after it", megabytesText(rss_bytes)],
  ];
  const command = ["./denow task bench-swap", ...Deno.args].join(" ");
  console.log(`\`${command}\` on ${machine}.\n\n${markdownTable(["", "figure"], rows)}`);
  if (faults.some(([, count]) => count > 0)) Deno.exitCode = 1;
} finally {
  await server[Symbol.asyncDispose]();
  await Deno.remove(folder, { recursive: true });
}

/** Writes a version: where it is watched, so that no look sees one file of it without the other. */
async function write(version: number): Promise<void> {
  const files = Object.entries(swapFiles(version));
  for (const [name, text] of files) await Deno.writeTextFile(`${folder}/${name}.new`, text);
  for (const [name] of files) Deno.renameSync(`${folder}/${name}.new`, `${folder}/${name}`);
}

/** Changes the files, waits until that version serves, and returns how long that took, in ms. */
async function swapTo(version: number, load: HotSwapLoad): Promise<number> {
  const start = performance.now();
  await write(version);
  if (isWatched) {
    while (!load.tally.versions.has(version)) {
      if (performance.now() - start > SWAP_MS) {
        throw new Error(`version ${version} never answers: ${server.stderr}`);
      }
      await pause(LOOK_EVERY_MS);
    }
  } else {
    const { success, stderr } = await new Deno.Command(program, {
      args: ["reload", "--control", `${folder}/control`],
    }).output();
    if (!success) throw new Error(`swap ${version} has failed: ${new TextDecoder().decode(stderr)}`);
  }
  return performance.now() - start;
}

async function stats(): Promise<v.InferOutput<typeof Stats>> {
  await using client = await Client.connect(address);
  return v.parse(Stats, (await client.request("Reserve.Stats", 1)).value);
}

/** The figures once nothing is queued or runs and the workers have told their counters. */
async function settled() {
  const deadline = performance.now() + SWAP_MS;
  for (;;) {
    const { plugins, rss_bytes } = await stats();
    const plugin = plugins.find(({ name }) => name === SWAPPED);
    if (plugin === undefined) throw new Error("the server has lost its plugin");
    const { queued, in_flight, counters, accepted } = plugin;
    const isSettled = queued === 0 && in_flight === 0 && counters["ran"] === accepted;
    if (isSettled || performance.now() > deadline) return { plugin, rss_bytes };
    await pause(BETWEEN_MS);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
