/**
 * Reloads a server a hundred times under full load and counts what was lost, doubled or dropped: all of it is to be 0.
 * Prints Markdown; exits with 1 where a count is not 0.
 *
 *     ./denow run -A bench/reload.ts --loadgen FOLDER
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import * as v from "valibot";
import { Client } from "../src/client/mod.ts";
import { ChildProcess } from "./child_process.ts";
import { countText, megabytesText, microsecondsText } from "./figures.ts";
import { freePort } from "./free_port.ts";
import { Loadgen } from "./loadgen.ts";
import { describeMachine } from "./machine.ts";
import { markdownTable } from "./markdown_table.ts";
import { median } from "./median.ts";
import { ReloadLoad } from "./reload_load.ts";

/** A reload that takes longer has failed, in ms. */
const RELOAD_MS = 30_000;
/** So long the load goes on between two reloads, in ms. */
const BETWEEN_MS = 100;
const LOOK_EVERY_MS = 2;

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
  string: ["mevent", "loadgen", "reloads"],
  default: { mevent: "dist/mevent", loadgen: Deno.env.get("LOADGEN") ?? "", reloads: "100" },
});
const loadgen = await Loadgen.find(String(args["loadgen"]));
const reloads = Number(args["reloads"]);
const machine = describeMachine();
const folder = await Deno.makeTempDir();
const port = freePort();
const otherPort = freePort();
await write(0);
const server = new ChildProcess(String(args["mevent"]), [
  "serve",
  "--config",
  `${folder}/bench.toml`,
  "--no-udp",
  "--log-format",
  "json",
]);
try {
  await server.listens(port);
  const before = (await stats()).rss_bytes;
  const load = new ReloadLoad(loadgen, port);
  const times: number[] = [];
  const start = performance.now();
  for (let round = 1; round <= reloads; round++) {
    await new Promise((resolve) => setTimeout(resolve, BETWEEN_MS));
    times.push(await reloadTo(round));
  }
  const tally = await load.end();
  const seconds = (performance.now() - start) / 1000;
  const { plugin, rss_bytes } = await settled();
  const ran = plugin.counters["ran"] ?? 0;
  const faults: [string, number][] = [
    ["failed, or never answered", tally.failed],
    ["accepted and not run", Math.max(0, plugin.accepted - ran)],
    ["run more often than accepted", Math.max(0, ran - plugin.accepted)],
    ["accepted but not told so, or the other way round", Math.abs(plugin.accepted - tally.done)],
    ["answers to no request", tally.stray],
    ["connections dropped", tally.dropped],
    ["operations failed, by the server's count", plugin.failed],
    ["workers died", plugin.restarts],
  ];
  const rows = [
    ["reloads", countText(times.length)],
    ["a reload, median", microsecondsText(median(times) * 1000)],
    ["a reload, longest", microsecondsText(Math.max(...times) * 1000)],
    ["requests", countText(tally.sent)],
    ["requests a second", countText(tally.sent / seconds)],
    ["of them refused, told BUSY", countText(tally.refused)],
    ...faults.map(([what, count]) => [what, countText(count)]),
    ["memory before", megabytesText(before)],
    ["memory after", megabytesText(rss_bytes)],
  ];
  const command = ["./denow run -A bench/reload.ts", ...Deno.args].join(" ");
  console.log(`\`${command}\` on ${machine}.\n\n${markdownTable(["", "figure"], rows)}`);
  if (faults.some(([, count]) => count > 0)) Deno.exitCode = 1;
} finally {
  await server[Symbol.asyncDispose]();
  await Deno.remove(folder, { recursive: true });
}

/** Writes the config of a round: another time-out and module text each time, other workers, listeners and plugins by turns. */
async function write(round: number): Promise<void> {
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
  await write(round);
  const start = performance.now();
  server.signal("SIGHUP");
  while (!server.stderr.includes(`-> ${timeoutOf(round)}`)) {
    if (performance.now() - start > RELOAD_MS) {
      throw new Error(`reload ${round} has failed: ${server.stderr}`);
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  return performance.now() - start;
}

async function stats(): Promise<v.InferOutput<typeof Stats>> {
  await using client = await Client.connect({ transport: "tcp", hostname: "127.0.0.1", port });
  return v.parse(Stats, (await client.request("Reserve.Stats", 1)).value);
}

/** The figures once nothing is queued or runs and the workers have told their counters. */
async function settled() {
  const deadline = performance.now() + RELOAD_MS;
  for (;;) {
    const { plugins, rss_bytes } = await stats();
    const plugin = plugins.find(({ name }) => name === "counted");
    if (plugin === undefined) throw new Error("the server has lost its plugin");
    const { queued, in_flight, counters, accepted } = plugin;
    const isSettled = queued === 0 && in_flight === 0 && counters["ran"] === accepted;
    if (isSettled || performance.now() > deadline) return { plugin, rss_bytes };
    await new Promise((resolve) => setTimeout(resolve, BETWEEN_MS));
  }
}
