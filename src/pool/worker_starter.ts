import { originalNames } from "../modules/original_names.ts";
import { createBeats } from "../ring/heartbeat.ts";
import { NoThread } from "../thread/no_thread.ts";
import { PluginWorker, type WorkerEvents } from "./plugin_worker.ts";
import { ProcessThread } from "../thread/process_thread.ts";
import { HANDOFF_OVERHEAD_BYTES } from "../ring/handoff.ts";
import type { HostSetup } from "../ring/messages.ts";
import type { Isolation, SupervisorOptions } from "./supervisor_options.ts";
import { textOf } from "../text_of.ts";
import type { StartThread, Thread, ThreadEvents } from "../thread/thread.ts";
import { WebWorkerThread } from "../thread/web_worker_thread.ts";
import { createRings } from "../thread/worker_rings.ts";

/** What tells a worker from those before it. */
export type Begins = Pick<HostSetup, "first" | "tellsRemarks">;

/** The least bytes of a ring; enough for a window of short operations. */
const MIN_RING_BYTES = 256 * 1024;

/** Makes a plugin's workers: their shared memory, and a thread of the kind asked for. */
export class WorkerStarter {
  /** Of each ring. */
  readonly ringBytes: number;

  constructor(readonly options: SupervisorOptions) {
    this.ringBytes = Math.max(MIN_RING_BYTES, 2 * (options.maxContentBytes + HANDOFF_OVERHEAD_BYTES + 64));
  }

  start(
    index: number,
    isolation: Isolation,
    begins: Begins,
    events: WorkerEvents,
  ): PluginWorker {
    const { options, ringBytes } = this;
    const setup = { ...options.setup, ...begins };
    const { permissions, maxMemory, isParted = false, queue, log, now, startHostWorker } = options;
    const rings = createRings(ringBytes);
    const beats = createBeats();
    const name = `${setup.name}/${index}`;
    const told = setup.original === null ? (text: string) => text : originalNames(setup.original);
    const line = (stream: "stdout" | "stderr", text: string) =>
      log[stream === "stdout" ? "info" : "warn"](`a plugin's process wrote to ${stream}`, {
        plugin: setup.name,
        worker: index,
        text: told(text),
      });
    const startThread: StartThread = (given) => {
      const threadEvents = { ...given, failed: (reason: string) => given.failed(told(reason)) };
      return startedOr(threadEvents, () => {
        options.restore?.();
        return isolation === "worker"
          ? new WebWorkerThread(startHostWorker, name, permissions, threadEvents)
          : new ProcessThread(
            { name, permissions, rings, ringBytes, beats, maxMemory, line, now },
            threadEvents,
          );
      });
    };
    const part = isParted ? index : 0;
    // A reload may divide the queue anew.
    const lanes = (part: number) => queue.parts[part]!;
    const zero = queue.durability?.zero ?? 0;
    return new PluginWorker(
      { index, part, lanes, zero, setup, rings, beats, isolation, startThread, now },
      events,
    );
  }
}

/** The thread, or one that tells why it cannot be started. */
function startedOr(events: ThreadEvents, start: () => Thread): Thread {
  try {
    return start();
  } catch (error) {
    return new NoThread(`it cannot be started: ${textOf(error)}`, events);
  }
}
