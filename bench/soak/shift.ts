import { setTimeout as pause } from "node:timers/promises";
import { LoadRun } from "../../src/loadgen/run.ts";
import { Histogram } from "../../src/observe/histogram.ts";
import type { WatchedServer } from "../support/watched_server.ts";
import type { Work } from "./works.ts";

const PLUGIN = "echo";
/** A load that gets no reply for so long has been failed, in ms. */
const SILENCE_MS = 5000;
/** What was queued is worked off after so long, in ms. */
const MAX_DRAIN_MS = 60_000;
const LOOK_EVERY_MS = 5;

/** What has become of one kind of work so far. */
export class WorkTally {
  requests = 0;
  /** Time that the load took, in ms; while it was to take at most `dueMs`. */
  takenMs = 0;
  dueMs = 0;
  /** Codes under 1000, requests without a reply, and replies without a request. */
  errors = 0;
  /** From a write to its reply's read, in µs. */
  readonly times = new Histogram();

  constructor(readonly work: Work, readonly rate: number) {}

  /** Requests a second: the wanted ones, or fewer where the time was not enough. */
  get reached(): number {
    return this.requests / Math.max(this.takenMs, this.dueMs) * 1000;
  }
}

/** How fast the work goes with nothing held back, the queue worked off included; per second. */
export async function measureRate(server: WatchedServer, work: Work, durationMs: number): Promise<number> {
  const start = performance.now();
  const run = await load(server, work, Infinity, durationMs);
  await drained(server);
  return run.tally.ok / (performance.now() - start) * 1000;
}

/** Does a portion of the work at once, waits until it is done, and rests for what is left of the time. */
export async function doShift(server: WatchedServer, tally: WorkTally, dueMs: number): Promise<void> {
  const start = performance.now();
  const count = Math.ceil(tally.rate * dueMs / 1000);
  const { tally: { sent, ok, stray, times } } = await load(server, tally.work, count, MAX_DRAIN_MS);
  await drained(server);
  const taken = performance.now() - start;
  tally.requests += sent;
  tally.errors += sent - ok + stray;
  tally.takenMs += Math.max(taken, dueMs);
  tally.dueMs += dueMs;
  tally.times.add(times);
  if (taken < dueMs) await pause(dueMs - taken);
}

async function load(server: WatchedServer, work: Work, count: number, durationMs: number): Promise<LoadRun> {
  const run = await LoadRun.connect({
    options: {},
    address: work.transport === "tcp" ? server.tcp : server.unix,
    plugin: PLUGIN,
    command: work.command,
    sync: work.sync,
    body: work.body,
    connections: work.connections,
    depth: work.depth,
    durationMs,
    count,
    timeoutMs: SILENCE_MS,
  });
  await run.finish();
  return run;
}

async function drained(server: WatchedServer): Promise<void> {
  const deadline = performance.now() + MAX_DRAIN_MS;
  for (;;) {
    const { plugins } = await server.stats();
    if (plugins.every(({ queued, in_flight }) => queued + in_flight === 0)) return;
    if (performance.now() > deadline) throw new Error(`the queue is not worked off after ${MAX_DRAIN_MS} ms`);
    await pause(LOOK_EVERY_MS);
  }
}
