/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
/// <reference lib="deno.unstable" />
import { type HostWorker, startHostWorker } from "./host_worker.ts";
import { ModulePreparer } from "./module_preparer.ts";
import { runWhenIdle } from "./scheduling.ts";
import type { FromNursery, ToNursery } from "./nursery.ts";
import { textOf } from "../text_of.ts";
import { workerThreads } from "./worker_threads.ts";

// The entry of the thread that starts threads: plugin hosts, and the one that reads their modules. It does nothing else, so
// it may stand still while one starts.

const post = (message: FromNursery) => self.postMessage(message);
const workers = new Map<number, HostWorker>();
const preparer = new ModulePreparer((message) => post({ kind: "prepared", ...message }));

self.onmessage = ({ data }: MessageEvent<ToNursery>) => {
  if (data.kind === "start") start(data);
  else if (data.kind === "prepare") preparer.prepare(data.id, data.work);
  else if (data.kind === "demote") runWhenIdle(data.threads);
  else if (data.kind === "end") end(data.id);
  else for (const id of workers.keys()) end(id);
};

function end(id: number): void {
  workers.get(id)?.terminate();
  workers.delete(id);
}

function start({ id, name, permissions, port }: Extract<ToNursery, { kind: "start" }>): void {
  const before = new Set(workerThreads());
  try {
    const worker = startHostWorker(name, permissions, port, {
      posted: () => post({ kind: "posted", id }),
      failed: (reason) => post({ kind: "failed", id, reason }),
    });
    workers.set(id, worker);
    post({ kind: "started", id, threads: added(before) });
  } catch (error) {
    post({ kind: "failed", id, reason: `it cannot be started: ${textOf(error)}` });
  }
}

/** The threads that were not there before; none where they cannot be told, as without a descriptor left. */
function added(before: ReadonlySet<string>): string[] {
  return before.size === 0 ? [] : workerThreads().filter((thread) => !before.has(thread));
}
