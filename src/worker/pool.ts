import { Dispatcher } from "./dispatcher.ts";
import type { CacheRequest, PluginDeclaration } from "./messages.ts";
import { type OutcomeEvents, Outcomes } from "./outcomes.ts";
import type { PluginWorker } from "./plugin_worker.ts";
import { ReportedFigures } from "./reported_figures.ts";
import { Supervisor, type SupervisorEvents, type SupervisorOptions } from "./supervisor.ts";

/** What a plugin's `stop` may take in workers that others have taken over from, in ms. */
const RETIRE_GRACE_MS = 5000;
/** What callers are told whose operations are not done when the server stops, or their plugin is removed. */
const GIVEN_UP = "the plugin was stopped before the operation was done";

export interface PoolOptions extends SupervisorOptions {
  readonly events: PoolEvents;
}

/** What makes a plugin's workers what they are. */
export type WorkerSettings = Omit<SupervisorOptions, "queue" | "log" | "now">;

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
  #supervisor: Supervisor;
  readonly #events: SupervisorEvents;
  readonly #dispatcher: Dispatcher;
  readonly #idle: (() => void)[] = [];
  /** Those from whom others have taken over and who still hold operations. */
  readonly #retiring = new Set<Supervisor>();
  /** Those of them who hold nothing any more and end. */
  readonly #ending = new Set<Promise<void>>();
  readonly #giveUp = Promise.withResolvers<void>();
  /** Lets the new workers begin; where they wait for those of before. */
  #takeOver: (() => void) | null = null;
  /** Of workers from whom others have taken over. */
  #restartsBefore = 0;
  #stopping: Promise<void> | null = null;

  constructor(readonly options: PoolOptions) {
    const { queue, events, now } = options;
    this.outcomes = new Outcomes(queue, events);
    this.#events = {
      reply: (worker, reply, bytes, segment, time) => {
        const lane = worker.inFlight.lane(reply.slot);
        const offset = worker.inFlight.offset(reply.slot);
        this.outcomes.replied(worker.part, lane, segment, offset, reply, bytes, time);
      },
      replied: () => {
        events.answered();
        this.dispatch();
        this.#checkIdle();
        if (this.#retiring.size > 0) this.#checkRetiring();
      },
      ready: () => this.dispatch(),
      lost: (worker, reason) => {
        this.#loseHeld(worker, reason);
        events.answered();
        this.#checkIdle();
        if (this.#retiring.size > 0) this.#checkRetiring();
      },
      figures: (worker, { counters, gauges }) => {
        const isCurrent = this.workers[worker.index] === worker;
        this.figures.report(worker.index, counters, isCurrent ? gauges : []);
      },
      cache: (request) => events.cache(request),
    };
    this.#supervisor = new Supervisor(options, this.#events);
    this.#dispatcher = new Dispatcher(queue, this.workers, now);
  }

  get workers(): readonly PluginWorker[] {
    return this.#supervisor.workers;
  }

  /** What the module says of itself; null until a worker has loaded it. */
  get declaration(): PluginDeclaration | null {
    return this.#supervisor.declaration;
  }

  /** Workers that were replaced. */
  get restarts(): number {
    return this.#restartsBefore + this.#supervisor.restarts;
  }

  /** Operations that workers hold. */
  get inFlight(): number {
    return this.#holders().reduce((sum, worker) => sum + worker.inFlight.count, 0);
  }

  /** Starts the workers; rejects where the plugin does not load. */
  start(): Promise<void> {
    return this.#supervisor.start();
  }

  /** Workers with other settings, to be started; they get nothing until they {@link switchTo take over}. */
  successor(settings: WorkerSettings): Supervisor {
    const { queue, log, now } = this.options;
    return new Supervisor({ ...settings, queue, log, now }, this.#events);
  }

  /**
   * Lets other workers, which have started, take over: those of before get nothing more, give back what they have not
   * begun, finish what they run and end. Where the new ones are to wait, they begin when that is done.
   *
   * @param arrange called when they begin
   */
  switchTo(successor: Supervisor, wait: boolean, arrange: () => void): void {
    const before = this.#supervisor;
    const mustWait = wait || this.#takeOver !== null;
    this.#supervisor = successor;
    this.#restartsBefore += before.restarts;
    this.#retiring.add(before);
    before.retire();
    this.#dispatcher.use([]);
    this.#takeOver = () => {
      arrange();
      this.figures.forgetGauges();
      this.#dispatcher.use(successor.workers);
      this.dispatch();
    };
    if (!mustWait) this.#begin();
    this.#checkRetiring();
  }

  /** Hands waiting operations to workers that have room for them. */
  dispatch(): void {
    this.#dispatcher.dispatch();
  }

  /** Looks for replies of all workers now; true where there were some. */
  poll(): boolean {
    let found = false;
    for (const worker of this.workers) if (worker.poll()) found = true;
    if (this.#retiring.size === 0) return found;
    for (const { workers } of this.#retiring) for (const worker of workers) if (worker.poll()) found = true;
    return found;
  }

  /** Lets the next reply of any worker wake this thread; false where there is one already. */
  sleep(): boolean {
    if (!this.workers.every((worker) => worker.sleep())) return false;
    if (this.#retiring.size === 0) return true;
    return [...this.#retiring].every(({ workers }) => workers.every((worker) => worker.sleep()));
  }

  /** Replaces workers that hang. */
  replaceHung(): void {
    this.#supervisor.replaceHung();
    for (const supervisor of this.#retiring) supervisor.replaceHung();
    this.dispatch();
  }

  /** Resolves when nothing waits and nothing runs. */
  async drained(): Promise<void> {
    while (this.options.queue.ops > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Stops the workers within so many ms or until `hurry` resolves; what is left is given up: 14. */
  stop(graceMs: number, hurry: Promise<void>): Promise<void> {
    return this.#stopping ??= this.#stop(graceMs, hurry);
  }

  async #stop(graceMs: number, hurry: Promise<void>): Promise<void> {
    this.#dispatcher.stop();
    hurry.then(this.#giveUp.resolve);
    const stopped = [this.#supervisor, ...this.#retiring].map((each) => each.stop(graceMs, hurry));
    await Promise.all([...stopped, ...this.#ending]);
    for (const worker of this.#holders()) this.#loseHeld(worker, GIVEN_UP);
    this.outcomes.loseWaiting(GIVEN_UP);
    this.options.events.answered();
    this.#checkIdle();
  }

  /** All workers that may hold operations. */
  #holders(): PluginWorker[] {
    return [this.#supervisor, ...this.#retiring].flatMap(({ workers }) => workers);
  }

  /** Ends workers of before a change that have finished, and lets those that waited for them begin. */
  #checkRetiring(): void {
    if (this.#stopping !== null) return;
    for (const supervisor of this.#retiring) {
      if (!supervisor.isEmpty) continue;
      this.#retiring.delete(supervisor);
      const ended = supervisor.stop(RETIRE_GRACE_MS, this.#giveUp.promise);
      this.#ending.add(ended);
      ended.then(() => this.#ending.delete(ended));
    }
    if (this.#retiring.size === 0) this.#begin();
  }

  #begin(): void {
    const takeOver = this.#takeOver;
    this.#takeOver = null;
    takeOver?.();
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
