import { runTime } from "./worker_threads.ts";

/** A worker that has used its core for so long since the last look without a sign of life computes for long; in ms. */
const LONG_MS = 2.5;

/** What is looked at of a worker. */
export interface Running {
  readonly inFlight: { readonly count: number };
  /** Changes while its thread gets anywhere. */
  readonly beat: number;
  readonly thread: { readonly threads: readonly string[] };
}

interface Seen {
  beat: number;
  /** Of its threads, in ms; NaN where it was not asked for. */
  runTime: number;
  isBehind: boolean;
}

/**
 * Lets a worker that computes for long run behind all others until it gets on: with few cores, callers of other plugins do not
 * wait for its time slices. A worker that waits for something, or takes one short operation after the other, is left where it is.
 */
export class LongRuns {
  readonly #seen = new WeakMap<Running, Seen>();
  readonly #behind = new Set<Running>();

  /** @param setBehind puts threads behind all others, or back among them */
  constructor(readonly setBehind: (threads: readonly string[], isBehind: boolean) => void) {}

  /** A look; to be called every so often, at least twice as long as {@link LONG_MS}. */
  look(workers: readonly Running[]): void {
    // Those that have ended are left as they are: behind all others.
    for (const worker of this.#behind) if (!workers.includes(worker)) this.#behind.delete(worker);
    for (const worker of workers) {
      const { beat, thread: { threads } } = worker;
      const seen = this.#seen.get(worker);
      if (seen === undefined) {
        this.#seen.set(worker, { beat, runTime: NaN, isBehind: false });
      } else if (beat !== seen.beat || worker.inFlight.count === 0) {
        seen.beat = beat;
        seen.runTime = NaN;
        this.#set(worker, seen, false);
      } else if (!seen.isBehind && threads.length === 1) {
        const before = seen.runTime;
        seen.runTime = runTime(threads[0]!);
        if (seen.runTime - before >= LONG_MS) this.#set(worker, seen, true);
      }
    }
  }

  /** Puts all back among the others. */
  end(): void {
    for (const worker of this.#behind) this.#set(worker, this.#seen.get(worker)!, false);
  }

  #set(worker: Running, seen: Seen, isBehind: boolean): void {
    if (seen.isBehind === isBehind) return;
    seen.isBehind = isBehind;
    if (isBehind) this.#behind.add(worker);
    else this.#behind.delete(worker);
    this.setBehind(worker.thread.threads, isBehind);
  }
}
