import type { Log } from "../observe/log.ts";
import type { OperationQueue } from "../queue/operation_queue.ts";
import type { StartHostWorker } from "../thread/host_worker.ts";
import type { HostSetup } from "../ring/messages.ts";

/** Where a plugin host runs: in a Web Worker of the server, or of a child process. */
export type Isolation = "worker" | "process";

/** What makes a plugin's workers what they are. */
export interface WorkerSettings {
  readonly setup: Omit<HostSetup, "rings" | "beats" | "worker" | "first" | "tellsRemarks">;
  /** Workers at most. */
  readonly workers: number;
  /** Those that are there without work; "auto" is one where the module has what is to stand by, else none. */
  readonly minWorkers: number | "all" | "auto";
  /** Those above that end after so long without work, in ms. */
  readonly workerIdle: number;
  /** Each worker has a part of the queue of its own; otherwise all take from the one. */
  readonly isParted?: boolean;
  readonly permissions: Deno.PermissionOptionsObject;
  /** Where its workers run; a plugin that spins is moved to processes. */
  readonly isolation: Isolation;
  /** What a child process may use, in bytes; 0 is no bound. */
  readonly maxMemory: number;
  /** A worker is replaced after so many operations; 0 is never. */
  readonly recycleAfter: number;
  /** Longest content of an operation or a reply, in bytes. */
  readonly maxContentBytes: number;
}

/** The same, and what they work with. */
export interface SupervisorOptions extends WorkerSettings {
  readonly queue: OperationQueue;
  readonly log: Log;
  /** Monotonic, in ms. */
  readonly now: () => number;
  /** So many ms since then nothing could get on: the process was stopped. They count against nobody. */
  readonly lostSince: (time: number) => number;
  /**
   * Whether there is what another worker needs; asked again later where not.
   *
   * @param isNeeded it may have what is kept back for what must work
   */
  readonly mayStart: (isNeeded: boolean) => boolean;
  /** Whether a thread may end that only has no work: each leaves descriptors behind. */
  readonly mayEnd: () => boolean;
  readonly startHostWorker: StartHostWorker;
  /** Gives memory back to the system; null where it cannot. */
  readonly discard: ((bytes: Uint8Array) => void) | null;
  /** Called before each worker starts: puts back what it needs. Throws where that cannot be. */
  readonly restore?: () => void;
  /** Told when its workers have been stopped for good. */
  readonly ended?: () => void;
  /** Lets threads that were ended and go on take nobody's core. */
  readonly demoteThreads: (threads: readonly string[]) => void;
}
