import { releaseRings } from "../thread/worker_rings.ts";
import type { LeakedThreads } from "./leaked_threads.ts";
import type { PluginWorker } from "./plugin_worker.ts";

/** Threads and child processes of workers that were told to end, and what they still hold. */
export class EndedThreads {
  readonly #ending = new Set<Promise<void>>();

  constructor(
    readonly leaks: LeakedThreads,
    /** Gives memory back to the system; null where it cannot. */
    readonly discard: ((bytes: Uint8Array) => void) | null,
  ) {}

  add({ thread, rings, isolation }: PluginWorker): void {
    const { discard } = this;
    const release = () => discard !== null && releaseRings(rings, discard);
    // Its thread may still be at work.
    this.leaks.terminated(thread.threads, release);
    const ended: Promise<void> = thread.ended.finally(() => {
      this.#ending.delete(ended);
      if (isolation === "process") release();
    });
    this.#ending.add(ended);
  }

  /** Resolves when the child processes have ended. */
  async all(): Promise<void> {
    await Promise.all(this.#ending);
  }
}
