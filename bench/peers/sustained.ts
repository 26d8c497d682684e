import { setTimeout as pause } from "node:timers/promises";
import { cpuOf } from "../support/cpu_of.ts";
import { pluginStats } from "../support/plugin_stats.ts";
import { type Contestant, FULL_PLUGIN } from "./contestants.ts";
import { Drain } from "./drain/drain.ts";
import type { PeerOptions } from "./options.ts";
import type { PeerResult } from "./peer_result.ts";
import type { RunningSystem } from "./start.ts";
import type { PeerWork } from "./works.ts";

/** The queue is full after so long, and all code is compiled. */
const FILL_SECONDS = 2;
/** The clients go on for so long after the last count. */
const AFTER_SECONDS = 0.5;

/** Counts what is worked off while clients put in more than that; times and refusals are those of the clients. */
export async function measureSustained(
  { loadgen, sustainedSeconds }: PeerOptions,
  { connections, depth }: PeerWork,
  { drain: drainName, options }: Contestant,
  { port, pid }: RunningSystem,
): Promise<PeerResult> {
  await using drain = drainName === undefined ? null : await Drain.start(drainName, port);
  const done = async () => drain?.count ?? (await pluginStats(port, FULL_PLUGIN)).done;
  const load = loadgen.start({
    port,
    connections,
    depth,
    warmupSeconds: FILL_SECONDS,
    seconds: sustainedSeconds + AFTER_SECONDS,
    options,
  });
  await pause(FILL_SECONDS * 1000);
  const [before, cpuBefore, from] = [await done(), cpuOf(pid), performance.now()];
  await pause(sustainedSeconds * 1000);
  const count = await done() - before;
  const cpuMs = cpuOf(pid) - cpuBefore;
  const seconds = (performance.now() - from) / 1000;
  const clients = await load.result;
  return {
    ...clients,
    ops_per_s: count / seconds,
    cpuMicroseconds: cpuMs * 1000 / count,
  };
}
