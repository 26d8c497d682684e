import type { Lane } from "../queue/lane.ts";
import type { BeatMemory } from "./heartbeat.ts";
import type { HostSetup, WorkerRings } from "./messages.ts";
import type { Isolation } from "./supervisor_options.ts";
import type { StartThread } from "./thread.ts";

/** What a worker is made of, on the main thread. */
export interface WorkerOptions {
  readonly index: number;
  /** The part of the queue that it takes from; it may stand in for others. */
  readonly part: number;
  /** The lanes of a part. */
  readonly lanes: (part: number) => readonly [Lane, Lane];
  readonly setup: Omit<HostSetup, "rings" | "beats" | "worker">;
  readonly rings: WorkerRings;
  readonly beats: BeatMemory;
  readonly isolation: Isolation;
  readonly startThread: StartThread;
  /** Monotonic, in ms. */
  readonly now: () => number;
}
