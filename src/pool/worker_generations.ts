import { downReason, unhealthyAmong } from "./worker_health.ts";
import type { PluginWorker } from "./plugin_worker.ts";
import type { Supervisor } from "./supervisor.ts";

/** What a plugin's `stop` may take in workers that others have taken over from, in ms. */
const RETIRE_GRACE_MS = 5000;

/** Where a plugin's workers run, and how often they had to be replaced, all generations together. */
export type Health = Pick<
  Supervisor,
  "restarts" | "recycled" | "isolation" | "moved" | "leakedThreads"
>;

/** That of all of them, and of their plugin. */
export interface PluginHealth extends Health {
  /** Workers that run and whose plugin says that it cannot do its work. */
  readonly unhealthyWorkers: number;
  /** See {@link downReason}. */
  readonly down: string | null;
}

/** What a generation is asked for; a {@link Supervisor} with its workers. */
export type WorkerGeneration =
  & Health
  & Pick<
    Supervisor,
    "hasDied" | "workers" | "all" | "isEmpty" | "isSpent" | "hurry" | "retire" | "replaceHung" | "stop"
  >;

/**
 * The workers of a plugin over its changes: those who get operations, and those from whom they have taken over, until they
 * hold nothing any more.
 *
 * ```
 * current ──take──► retiring ──holds nothing──► ending ──stop──► gone
 * ```
 */
export class WorkerGenerations<S extends WorkerGeneration = Supervisor> {
  readonly #retiring = new Set<S>();
  /** Those who hold nothing any more and end. */
  readonly #ending = new Set<Promise<void>>();
  readonly #giveUp = Promise.withResolvers<void>();
  /** Lets the new workers begin; where they wait for those of before. */
  #begin: (() => void) | null = null;
  /** Of those from whom others have taken over. */
  #restartsBefore = 0;
  #recycledBefore = 0;
  #stopping = false;

  constructor(public current: S) {}

  get health(): PluginHealth {
    const { restarts, recycled, isolation, moved, leakedThreads, workers, hasDied } = this.current;
    return {
      restarts: this.#restartsBefore + restarts,
      recycled: this.#recycledBefore + recycled,
      isolation,
      moved,
      leakedThreads,
      unhealthyWorkers: unhealthyAmong(workers),
      down: downReason(workers, hasDied),
    };
  }

  /** All workers that may hold operations. */
  get holders(): PluginWorker[] {
    return [this.current, ...this.#retiring].flatMap(({ all }) => all);
  }

  /** Lets others take over; they begin at once or, where they are to wait, when those of before hold nothing. */
  take(successor: S, wait: boolean, begin: () => void): void {
    const before = this.current;
    const mustWait = wait || this.#begin !== null;
    this.current = successor;
    this.#restartsBefore += before.restarts;
    this.#recycledBefore += before.recycled;
    this.#retiring.add(before);
    // Retiring reads the last replies: where nothing is held then, the others begin in there.
    this.#begin = begin;
    before.retire();
    if (!mustWait) this.#start();
    this.check();
  }

  /** The plugin stops, and nobody is left, or to come, that could do anything. */
  get isSpent(): boolean {
    return this.current.isSpent && this.#retiring.size === 0;
  }

  /** Operations are to end soon: those that wait to be run with others wait no more. */
  hurry(): void {
    this.current.hurry();
    for (const supervisor of this.#retiring) supervisor.hurry();
  }

  /** Ends workers of before a change that have finished, and lets those that waited for them begin. */
  check(): void {
    if (this.#retiring.size === 0 || this.#stopping) return;
    for (const supervisor of this.#retiring) {
      if (!supervisor.isEmpty) continue;
      this.#retiring.delete(supervisor);
      const ended = supervisor.stop(RETIRE_GRACE_MS, this.#giveUp.promise);
      this.#ending.add(ended);
      ended.then(() => this.#ending.delete(ended));
    }
    if (this.#retiring.size === 0) this.#start();
  }

  /** Looks for replies now; true where there were some. */
  poll(): boolean {
    let found = false;
    for (const worker of this.current.workers) if (worker.poll()) found = true;
    if (this.#retiring.size === 0) return found;
    for (const { workers } of this.#retiring) for (const worker of workers) if (worker.poll()) found = true;
    return found;
  }

  /** Lets the next reply wake this thread; false where there is one already. */
  sleep(): boolean {
    if (!this.current.workers.every((worker) => worker.sleep())) return false;
    if (this.#retiring.size === 0) return true;
    return [...this.#retiring].every(({ workers }) => workers.every((worker) => worker.sleep()));
  }

  replaceHung(): void {
    this.current.replaceHung();
    for (const supervisor of this.#retiring) supervisor.replaceHung();
  }

  /** Stops all within so many ms or until `hurry` resolves; what they hold then is still in their `inFlight`. */
  async stop(graceMs: number, hurry: Promise<void>): Promise<void> {
    this.#stopping = true;
    hurry.then(this.#giveUp.resolve);
    const stopped = [this.current, ...this.#retiring].map((each) => each.stop(graceMs, hurry));
    await Promise.all([...stopped, ...this.#ending]);
  }

  #start(): void {
    const begin = this.#begin;
    this.#begin = null;
    begin?.();
  }
}
