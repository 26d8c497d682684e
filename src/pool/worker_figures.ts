import type { WorkerStates } from "../observe/server_stats.ts";
import type { PluginWorker } from "./plugin_worker.ts";

/** How many workers are in each state; those that are gone are in none. */
export function workerStates(workers: readonly Pick<PluginWorker, "state">[]): WorkerStates {
  const states: WorkerStates = { starting: 0, running: 0, retiring: 0, failing: 0, stopping: 0 };
  for (const { state } of workers) if (state !== "gone") states[state]++;
  return states;
}

/** Bytes of the rings that workers share with the main thread. */
export function ringBytes(workers: readonly Pick<PluginWorker, "rings">[]): number {
  let bytes = 0;
  for (const { rings } of workers) {
    for (const { buffer } of [rings.sync, rings.async, rings.syncReplies, rings.asyncReplies]) {
      bytes += buffer.byteLength;
    }
  }
  return bytes;
}
