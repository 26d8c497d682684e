import { processorTime } from "../thread/worker_threads.ts";

/** A thread that is still there after so many looks has not ended. */
const LOOKS = 3;

/** Who was ended, with the threads that came with it. */
interface Ended {
  readonly threads: readonly string[];
  readonly times: Map<string, number>;
  readonly ended: () => void;
  looks: number;
}

/**
 * Threads of workers that were ended and go on: `Worker.terminate` does not stop an endless loop. Where other workers of
 * the process were started at the same moment, several threads may be the worker's: the one that works is it.
 */
export class LeakedThreads {
  readonly #ended = new Set<Ended>();

  /** @param demote told once of threads that have not ended */
  constructor(readonly demote: (threads: readonly string[]) => void) {}

  /** A worker was ended: its threads should end, too; `ended` is told once they are seen to have. */
  terminated(threads: readonly string[], ended: () => void): void {
    if (threads.length > 0) this.#ended.add({ threads, times: new Map(), ended, looks: 0 });
  }

  /** Looks; returns how many have not ended. */
  look(): number {
    let leaked = 0;
    for (const ended of this.#ended) {
      ended.looks++;
      if (!this.#isAlive(ended)) {
        this.#ended.delete(ended);
        ended.ended();
      } else if (ended.looks >= LOOKS) {
        leaked++;
        // Where it is not sure which of them it is, none: another one may be at work.
        if (ended.looks === LOOKS && ended.threads.length === 1) this.demote(ended.threads);
      }
    }
    return leaked;
  }

  /** Whether any of the threads that are left has worked since the last look; with one alone, whether it is there. */
  #isAlive({ threads, times, looks }: Ended): boolean {
    let isAlive = false;
    for (const id of threads) {
      const time = processorTime(id);
      if (time === undefined) continue;
      if (threads.length === 1 || looks === 1 || time > (times.get(id) ?? Infinity)) isAlive = true;
      times.set(id, time);
    }
    return isAlive;
  }
}
