import { setTimeout as pause } from "node:timers/promises";
import * as v from "valibot";
import { ChildProcess } from "../support/child_process.ts";
import { cpuOf } from "../support/cpu_of.ts";
import type { LoadResult } from "../loadgen.ts";
import type { Contestant } from "./contestants.ts";
import { measureDiskFloor } from "./disk_floor.ts";
import type { PeerOptions } from "./options.ts";
import type { PeerResult } from "./peer_result.ts";
import { type RunningSystem, startSystem } from "./start.ts";
import { measureSustained } from "./sustained.ts";
import type { PeerWork } from "./works.ts";

/** Uncounted time before each measurement. */
export const WARMUP_SECONDS = 0.5;
/** What the server's CPU is read apart from at both ends of a measurement. */
const MARGIN_SECONDS = 0.1;
const ECHO_COMMAND = 1001;
/** What enqueues at another plugin meanwhile. */
const BESIDE = { connections: 50, depth: 16 };

/** Lets a system do a work; null where it is not installed. */
export async function measure(
  options: PeerOptions,
  work: PeerWork,
  contestant: Contestant,
): Promise<PeerResult | null> {
  if (contestant.system === "disk") return await measureDiskFloor(options, work);
  if (contestant.system === "bunqueue") return await measureBunqueue(options, work);
  await using system = await startSystem(options.loadgen, contestant);
  if (system === null) return null;
  if (work.kind === "sustained") return await measureSustained(options, work, contestant, system);
  const beside = contestant.beside === undefined ? null : options.loadgen.start({
    port: system.port,
    connections: BESIDE.connections,
    depth: BESIDE.depth,
    options: besideOptions(contestant.beside),
  });
  const load = work.kind === "json" ? jsonLoad(options, work, system) : options.loadgen.run({
    port: system.port,
    connections: work.connections,
    depth: work.depth,
    seconds: options.seconds,
    warmupSeconds: WARMUP_SECONDS,
    options: contestant.options,
  });
  const [result, cores] = await Promise.all([load, coresOf(system.pid, options.seconds)]);
  const others = await beside?.end();
  if (others !== undefined) console.error(`  beside it: ${Math.round(others.ops_per_s)}/s`);
  return { ...result, cpuMicroseconds: cores * 1e6 / result.ops_per_s };
}

function besideOptions([plugin, command]: readonly [string, number]): string[] {
  return ["--mode", "enqueue", "--proto", "mevent", "--plugin", plugin, "--cmd", String(command)];
}

/** Its own client adds as many at a time, over as many connections; null where it is not installed. */
async function measureBunqueue(
  { bunqueue, seconds }: PeerOptions,
  { connections, depth }: PeerWork,
): Promise<PeerResult | null> {
  if (bunqueue === null) return null;
  const folder = await Deno.makeTempDir();
  try {
    await using server = await bunqueue.start(folder);
    const cpuBefore = cpuOf(server.pid);
    const { perSecond, times } = await server.answer({
      kind: "add",
      inFlight: connections * depth,
      connections,
      durable: true,
      warmupMs: WARMUP_SECONDS * 1000,
      ms: seconds * 1000,
    });
    if (times === undefined) throw new Error("bunqueue's client told no times");
    const { all, ...latencies } = times;
    return {
      ...latencies,
      ok: Math.round(perSecond * seconds),
      errors: {},
      unmatched: 0,
      lost: 0,
      seconds,
      ops_per_s: perSecond,
      cpuMicroseconds: (cpuOf(server.pid) - cpuBefore) * 1000 / all,
    };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Of how many cores a process makes use in the measurement that begins now. */
async function coresOf(pid: number, seconds: number): Promise<number> {
  await pause((WARMUP_SECONDS + MARGIN_SECONDS) * 1000);
  const [before, from] = [cpuOf(pid), performance.now()];
  await pause(Math.max(seconds - 2 * MARGIN_SECONDS, MARGIN_SECONDS) * 1000);
  return (cpuOf(pid) - before) / (performance.now() - from);
}

const Bench = v.object({
  ok: v.number(),
  ok_rate: v.number(),
  codes: v.record(v.string(), v.number()),
  lost: v.number(),
  stray_replies: v.number(),
  seconds: v.number(),
  latency_us: v.object({ p50: v.number(), p99: v.number(), p99_9: v.number(), max: v.number() }),
});

/** loadgen sends no JSON: this build's `mevent bench` does, for whole seconds, whichever build the server is of. */
async function jsonLoad(
  { mevent, seconds }: PeerOptions,
  { connections, depth }: PeerWork,
  { port }: RunningSystem,
): Promise<LoadResult> {
  const whole = Math.ceil(WARMUP_SECONDS + seconds);
  const numbers = { port, conns: connections, depth, seconds: whole, cmd: ECHO_COMMAND };
  const flags = Object.entries(numbers).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const child = new ChildProcess(mevent, ["bench", "--json", "--encoding", "json", ...flags]);
  if (await child.ended() !== 0) throw new Error(`mevent bench measured nothing: ${child.stderr}`);
  const result = v.parse(Bench, JSON.parse(child.stdout));
  const { ok, ok_rate, codes, lost, stray_replies, latency_us } = result;
  const errors = Object.entries(codes).filter(([code]) => Number(code) < 1000);
  return {
    ok,
    errors: Object.fromEntries(errors),
    unmatched: stray_replies,
    lost,
    seconds: result.seconds,
    ops_per_s: ok_rate,
    p50_us: latency_us.p50,
    p99_us: latency_us.p99,
    p999_us: latency_us.p99_9,
    max_us: latency_us.max,
  };
}
