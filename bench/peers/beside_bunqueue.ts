import { setTimeout as pause } from "node:timers/promises";
import { countText, megabytesText, ratioText } from "../support/figures.ts";
import { markdownTable } from "../support/markdown_table.ts";
import { median } from "../support/median.ts";
import { memoryOf } from "../support/memory_of.ts";
import { MeventServer } from "../support/mevent_server.ts";
import { GATE, ScenarioLoads } from "../scenarios/loads.ts";
import { Bunqueue, type BunqueueTask } from "./bunqueue.ts";
import { idleAfterwards, idleWith } from "./idle.ts";
import { WARMUP_SECONDS } from "./measure.ts";
import type { PeerOptions } from "./options.ts";

/** Jobs with one request of a bulk. */
const BULK = 1000;
/** What waits where its memory is measured, and what is worked off. */
const MEVENT_JOBS = 1_000_000;
const BUNQUEUE_JOBS = 100_000;
const BUNQUEUE_DRAINED = 20_000;
const BUNQUEUE_CONCURRENCY = 100;
/** Memory is read after so long without a load. */
const SETTLE_MS = 2000;
const IN_FLIGHT = [1, 64, 800] as const;

/** One figure of both, a value a round; mevent has none where there is nothing like it. */
interface Figure {
  readonly what: string;
  readonly mevent?: number;
  readonly bunqueue: number;
  readonly unit: "rate" | "bytes" | "memory";
}

/** What was measured. */
export type BesideBunqueue = readonly (Figure & { readonly round: number })[];

/** The name that it is asked for with. */
export const BUNQUEUE = "bunqueue";

/** Measures adds, the work-off and memory at bunqueue and at mevent, by turns. */
export async function measureBesideBunqueue(
  options: PeerOptions,
  bunqueue: Bunqueue,
): Promise<BesideBunqueue> {
  const all: (Figure & { round: number })[] = [];
  for (let round = 1; round <= options.rounds; round++) {
    const add = async (figure: Promise<Figure>) => {
      all.push({ ...await figure, round });
      console.error(`round ${round}  ${BUNQUEUE}  ${JSON.stringify(all.at(-1))}`);
    };
    for (const inFlight of IN_FLIGHT) await add(adds(options, bunqueue, inFlight));
    await add(bulk(options, bunqueue));
    await add(workOff(options, bunqueue));
    await add(bytesOfOne(options, bunqueue));
    await add(idle(options, bunqueue));
  }
  return all;
}

export function besideBunqueueMarkdown(measured: BesideBunqueue): string {
  const title = `### Beside ${Bunqueue.version}\n\n`;
  const rows = [...Map.groupBy(measured, ({ what }) => what)].map(([what, figures]) => {
    const { unit } = figures[0]!;
    const bunqueue = median(figures.map((figure) => figure.bunqueue));
    const mevent = figures[0]!.mevent === undefined
      ? undefined
      : median(figures.map((figure) => figure.mevent!));
    const times = median(figures.map((figure) => figure.mevent! / figure.bunqueue));
    return [
      what,
      mevent === undefined ? "" : SHOWN[unit](mevent),
      SHOWN[unit](bunqueue),
      mevent === undefined ? "" : ratioText(times),
    ];
  });
  return `${title}Each with its own client: loadgen (C) for mevent, bunqueue/client on bun for bunqueue.\n\n` +
    markdownTable(["", "mevent", "bunqueue", "mevent is x of it"], rows);
}

const SHOWN = {
  rate: (value: number) => `${countText(value)}/s`,
  bytes: (value: number) => `${countText(value)} bytes`,
  memory: megabytesText,
} as const;

async function adds(options: PeerOptions, bunqueue: Bunqueue, inFlight: number): Promise<Figure> {
  const { loadgen, seconds } = options;
  const theirs = await done(bunqueue, { kind: "add", inFlight, ...times(options) });
  await using server = await MeventServer.start(options.mevent);
  const target = ["--plugin", GATE.plugin, "--cmd", String(GATE.command)];
  const { ops_per_s } = await loadgen.run({
    port: server.port,
    connections: 1,
    depth: inFlight,
    seconds,
    warmupSeconds: WARMUP_SECONDS,
    options: ["--proto", "mevent", "--mode", "enqueue", ...target],
  });
  return { what: `adds, ${inFlight} in flight`, mevent: ops_per_s, bunqueue: theirs, unit: "rate" };
}

async function bulk(options: PeerOptions, bunqueue: Bunqueue): Promise<Figure> {
  const theirs = await done(bunqueue, { kind: "bulk", size: BULK, ...times(options) });
  return { what: `adds in bulk, ${countText(BULK)} with a request`, bunqueue: theirs, unit: "rate" };
}

async function workOff({ mevent, loadgen }: PeerOptions, bunqueue: Bunqueue): Promise<Figure> {
  const theirs = await done(bunqueue, {
    kind: "drain",
    jobs: BUNQUEUE_DRAINED,
    concurrency: BUNQUEUE_CONCURRENCY,
  });
  await using server = await MeventServer.start(mevent);
  const loads = new ScenarioLoads(loadgen, server);
  await loads.fill(GATE, MEVENT_JOBS);
  const ours = MEVENT_JOBS / await loads.workOff();
  return { what: "worked off by a worker that does nothing", mevent: ours, bunqueue: theirs, unit: "rate" };
}

async function bytesOfOne({ mevent, loadgen }: PeerOptions, bunqueue: Bunqueue): Promise<Figure> {
  await using theirs = await bunqueue.start();
  await using ours = await MeventServer.start(mevent);
  const loads = new ScenarioLoads(loadgen, ours);
  await loads.warmUp();
  const grown = async (pid: number, jobs: number, fill: () => Promise<unknown>) => {
    await pause(SETTLE_MS);
    const before = memoryOf(pid).resident;
    await fill();
    await pause(SETTLE_MS);
    return (memoryOf(pid).resident - before) / jobs;
  };
  return {
    what: "a waiting job of 100 bytes, growth of RSS",
    mevent: await grown(ours.pid, MEVENT_JOBS, () => loads.fill(GATE, MEVENT_JOBS)),
    bunqueue: await grown(
      theirs.pid,
      BUNQUEUE_JOBS,
      () => theirs.do({ kind: "fill", jobs: BUNQUEUE_JOBS }),
    ),
    unit: "bytes",
  };
}

async function idle({ mevent }: PeerOptions, bunqueue: Bunqueue): Promise<Figure> {
  await using theirs = await bunqueue.start();
  const { residentBytes } = await idleAfterwards(theirs.pid);
  return {
    what: "RSS of an idle server, mevent with two plugins",
    mevent: (await idleWith(mevent, 2)).residentBytes,
    bunqueue: residentBytes,
    unit: "memory",
  };
}

function times({ seconds }: PeerOptions): { warmupMs: number; ms: number } {
  return { warmupMs: WARMUP_SECONDS * 1000, ms: seconds * 1000 };
}

/** What a server of bunqueue's with an empty memory does with a task. */
async function done(bunqueue: Bunqueue, task: BunqueueTask): Promise<number> {
  await using server = await bunqueue.start();
  return await server.do(task);
}
