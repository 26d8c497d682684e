import type { Dedup } from "../queue/dedup.ts";
import { DeadLetters, type DeadLimits } from "../queue/dead_letters.ts";
import type { LaneId } from "../queue/operation_queue.ts";
import type { Segment } from "../queue/segment.ts";
import { Administration } from "./administration.ts";
import { Dispatcher } from "./dispatcher.ts";
import { DueTimer } from "./due_timer.ts";
import type { CacheRequest, PluginDeclaration } from "./messages.ts";
import { type OutcomeEvents, Outcomes } from "./outcomes.ts";
import type { PluginWorker } from "./plugin_worker.ts";
import { ReportedFigures } from "./reported_figures.ts";
import { Retry, type RetryLimits } from "./retry.ts";
import { Supervisor, type SupervisorOptions } from "./supervisor.ts";

/** What callers are told whose operations are not done when the server stops. */
const GIVEN_UP = "the server stopped before the operation was done";

export interface PoolOptions extends SupervisorOptions {
  readonly life: LifeOptions;
  readonly events: PoolEvents;
}

/** What becomes of operations that wait, fail or come too late. */
export interface LifeOptions {
  readonly retry: RetryLimits;
  readonly dead: DeadLimits;
  /** Where operations may have keys. */
  readonly dedup: Dedup | null;
  /** An operation that waited longer is not run, in ms; 0 is for ever. */
  readonly ttl: number;
  /** From 0 up to 1. */
  readonly random: () => number;
  /** The time of day. */
  readonly clock: () => Date;
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
  readonly dead: DeadLetters;
  readonly figures = new ReportedFigures();
  readonly #supervisor: Supervisor;
  readonly #dispatcher: Dispatcher;
  readonly #dueTimer: DueTimer;
  readonly #administration: Administration;
  readonly #idle: (() => void)[] = [];

  constructor(readonly options: PoolOptions) {
    const { queue, events, now, life } = options;
    const { retry, random, clock, ttl } = life;
    this.dead = new DeadLetters(life.dead);
    this.outcomes = new Outcomes({
      queue,
      dead: this.dead,
      dedup: life.dedup,
      retry: new Retry(retry, (command) => this.#isIdempotent(command), random),
      events,
      now,
      parked: () => this.#dueTimer.arm(),
    });
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
        this.#eachHeld(worker, (...place) => this.outcomes.lost(...place, reason));
        events.answered();
        this.dispatch();
        this.#checkIdle();
      },
      figures: ({ index }, { counters, gauges }) => this.figures.report(index, counters, gauges),
      cache: (request) => events.cache(request),
    });
    this.#dispatcher = new Dispatcher(queue, this.workers, now, ttl, this.outcomes, () => this.dispatch());
    this.#dueTimer = new DueTimer(queue, now, () => this.dispatch());
    this.#administration = new Administration({
      queue,
      outcomes: this.outcomes,
      workers: () => this.workers,
      now,
      clock,
    });
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
    return this.#supervisor.restarts;
  }

  /** Operations that workers hold. */
  get inFlight(): number {
    return this.workers.reduce((sum, worker) => sum + worker.inFlight.count, 0);
  }

  /** Starts the workers; rejects where the plugin does not load. */
  start(): Promise<void> {
    return this.#supervisor.start();
  }

  /** Hands waiting operations to workers that have room for them; what waited too long is ended. */
  dispatch(): void {
    const { expired } = this.outcomes;
    this.#dispatcher.dispatch();
    if (this.outcomes.expired > expired) this.#settled();
  }

  /** Operations are accepted and wait: nothing is handed to workers. */
  get paused(): boolean {
    return this.#dispatcher.paused;
  }

  pause(): void {
    this.#dispatcher.paused = true;
    this.#administration.recall();
    this.#checkIdle();
  }

  resume(): void {
    this.#dispatcher.paused = false;
    this.dispatch();
  }

  /** An operation was put into the queue that is to wait. */
  delayed(): void {
    this.#dueTimer.arm();
  }

  /** Does what an operator asks for, and hands over and tells what came of it. */
  administer<T>(work: (administration: Administration) => T): T {
    const result = work(this.#administration);
    this.dispatch();
    this.#settled();
    return result;
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

  /**
   * Resolves when nothing runs and nothing can run any more before the deadline (monotonic, ms): what is parked for later
   * is not waited for, nor what waits while the plugin is paused.
   */
  async drained(deadline: number): Promise<void> {
    while (!this.#isDrained(deadline)) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #isDrained(deadline: number): boolean {
    const { ops, parked } = this.options.queue;
    if (ops === parked.count) return parked.earliest > deadline;
    return this.paused && this.inFlight === 0;
  }

  /** Stops the workers within so many ms or until `hurry` resolves; what is left is given up: 14. */
  async stop(graceMs: number, hurry: Promise<void>): Promise<void> {
    this.#dispatcher.stop();
    this.#dueTimer.stop();
    await this.#supervisor.stop(graceMs, hurry);
    for (const worker of this.workers) {
      this.#eachHeld(worker, (...place) => this.outcomes.giveUp(...place, GIVEN_UP));
    }
    this.outcomes.giveUpWaiting(GIVEN_UP);
    this.#settled();
  }

  /** Operations have ended otherwise than by a reply. */
  #settled(): void {
    this.options.events.answered();
    this.#checkIdle();
  }

  #isIdempotent(command: number): boolean {
    return this.declaration!.commands.some(({ number, idempotent }) => number === command && idempotent);
  }

  #checkIdle(): void {
    if (this.#idle.length === 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** Ends what a worker holds. */
  #eachHeld(
    { inFlight, part }: PluginWorker,
    end: (part: number, lane: LaneId, segment: Segment, offset: number) => void,
  ): void {
    for (const slot of inFlight.slots()) {
      const segment = inFlight.segment(slot, inFlight.sequence(slot))!;
      end(part, inFlight.lane(slot), segment, inFlight.offset(slot));
      inFlight.close(slot);
    }
  }
}
