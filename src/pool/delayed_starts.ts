import type { Log } from "../observe/log.ts";
import type { Backoff } from "./backoff.ts";

/** Workers that are to be started after a pause. */
export class DelayedStarts {
  readonly #timers = new Set<number>();
  #isTold = false;

  constructor(
    readonly plugin: string,
    readonly backoff: Backoff,
    /** Whether the process has descriptors for a worker. */
    readonly mayStart: (isNeeded: boolean) => boolean,
    readonly log: Log,
  ) {}

  get count(): number {
    return this.#timers.size;
  }

  /** Starts a worker in so many ms, or later than that while the process has no descriptor left for it. */
  in(ms: number, worker: number, start: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (this.mayStart(true)) return start();
      const wait = this.backoff.next();
      const { plugin } = this;
      this.log.error("a worker cannot be replaced yet: the process has no file descriptor left", {
        plugin,
        worker,
        again_in_ms: wait,
      });
      this.in(wait, worker, start);
    }, ms);
    this.#timers.add(timer);
  }

  /** Whether a worker may be started at once; where one is needed and may not, that is logged, once until one may. */
  isFree(isNeeded: boolean): boolean {
    const isFree = this.mayStart(isNeeded);
    if (!isNeeded) return isFree;
    if (!isFree && !this.#isTold) {
      const { plugin } = this;
      this.log.error("a worker cannot be started yet: the process has no file descriptor left", { plugin });
    }
    this.#isTold = !isFree;
    return isFree;
  }

  cancel(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }
}
