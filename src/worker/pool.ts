import { Dispatcher } from "./dispatcher.ts";
import type { CacheRequest, PluginDeclaration } from "./messages.ts";
import { type OutcomeEvents, Outcomes } from "./outcomes.ts";
import type { PluginWorker } from "./plugin_worker.ts";
import { ReportedFigures } from "./reported_figures.ts";
import { Supervisor, type SupervisorOptions } from "./supervisor.ts";

/** What callers are told whose operations are not done when the server stops. */
const GIVEN_UP = "the server stopped before the operation was done";

export interface PoolOptions extends SupervisorOptions {
  readonly events: PoolEvents;
}

/** Where the pool's news go. */
export interface PoolEvents extends OutcomeEvents {
  /** All answers of a batch have been told. */
  answered(): void;
  cache(request: CacheRequest): string | boolean | undefined;
}

/** All that works off a plugin's queue: who gets what ({@link Dispatcher}), who runs, and what has become of it. */
export class WorkerPool {
  readonly outcomes: Outcomes;
  readonly figures = new ReportedFigures();
  readonly #supervisor: Supervisor;
  readonly #dispatcher: Dispatcher;
  readonly #idle: (() => void)[] = [];

  constructor(readonly options: PoolOptions) {
    const { queue, events, now } = options;
    this.outcomes = new Outcomes(queue, events);
    this.#supervisor = new Supervisor(options, {
      reply: (worker, reply, bytes, segment, time) => {
        const lane = worker.inFlight.lane(reply.slot);
        const offset = worker.inFlight.offset(reply.slot);
        this.outcomes.replied(worker.part, lane, segment, offset, reply, bytes, time);
      },
      replied: () => {
        events.answered();
        this.dispatch();
        this.#checkIdle();
      },
      ready: () => this.dispatch(),
      lost: (worker, reason) => {
        this.#loseHeld(worker, reason);
        events.answered();
        this.#checkIdle();
      },
      figures: ({ index }, { counters, gauges }) => this.figures.report(index, counters, gauges),
      cache: (request) => events.cache(request),
    });
    this.#dispatcher = new Dispatcher(queue, this.workers, now);
  }

  get workers(): readonly PluginWorker[] {
    return this.#supervisor.workers;
  }

  /** What the module says of itself; null until a worker has loaded it. */
  get declaration(): PluginDeclaration | null {
    return this.#supervisor.declaration;
  }

  /** Where the workers run, and how often they had to be replaced. */
  get health(): Pick<Supervisor, "restarts" | "recycled" | "isolation" | "moved" | "leakedThreads"> {
    return this.#supervisor;
  }

  /** Operations that workers hold. */
  get inFlight(): number {
    return this.#supervisor.all.reduce((sum, worker) => sum + worker.inFlight.count, 0);
  }

  /** Starts the workers; rejects where the plugin does not load. */
  start(): Promise<void> {
    return this.#supervisor.start();
  }

  /** Hands waiting operations to workers that have room for them. */
  dispatch(): void {
    this.#dispatcher.dispatch();
  }

  /** Looks for replies of all workers now; true where there were some. */
  poll(): boolean {
    let found = false;
    for (const worker of this.workers) if (worker.poll()) found = true;
    return found;
  }

  /** Lets the next reply of any worker wake this thread; false where there is one already. */
  sleep(): boolean {
    return this.workers.every((worker) => worker.sleep());
  }

  /** Replaces workers that hang. */
  replaceHung(): void {
    this.#supervisor.replaceHung();
    this.dispatch();
  }

  /** Resolves when nothing waits and nothing runs. */
  async drained(): Promise<void> {
    while (this.options.queue.ops > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Stops the workers within so many ms or until `hurry` resolves; what is left is given up: 14. */
  async stop(graceMs: number, hurry: Promise<void>): Promise<void> {
    this.#dispatcher.stop();
    const workers = this.#supervisor.all;
    await this.#supervisor.stop(graceMs, hurry);
    for (const worker of workers) this.#loseHeld(worker, GIVEN_UP);
    this.outcomes.loseWaiting(GIVEN_UP);
    this.options.events.answered();
    this.#checkIdle();
  }

  #checkIdle(): void {
    if (this.options.queue.ops > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  #loseHeld({ inFlight, part }: PluginWorker, message: string): void {
    for (const slot of inFlight.slots()) {
      const segment = inFlight.segment(slot, inFlight.sequence(slot))!;
      this.outcomes.lost(part, inFlight.lane(slot), segment, inFlight.offset(slot), message);
      inFlight.close(slot);
    }
  }
}
