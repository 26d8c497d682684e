import type { Dedup } from "../queue/dedup.ts";
import { DeadLetters } from "../queue/dead_letters.ts";
import { acceptedSecond, operationId } from "../queue/operation_id.ts";
import type { LaneId } from "../queue/operation_queue.ts";
import type { Segment } from "../queue/segment.ts";
import { Administration, CANCELLED } from "./administration.ts";
import { Dispatcher } from "./dispatcher.ts";
import { DueTimer } from "./due_timer.ts";
import type { FigureReport, ModuleSurvey, PluginDeclaration, ServiceRequest } from "../ring/messages.ts";
import { FailureLog } from "./failure_log.ts";
import type { LifeLimits } from "./life_limits.ts";
import type { LiveState } from "./live_state.ts";
import type { LeakedThreads } from "./leaked_threads.ts";
import { type OutcomeEvents, Outcomes } from "./outcomes.ts";
import type { PluginWorker } from "./plugin_worker.ts";
import { ReportedFigures } from "./reported_figures.ts";
import { Retry } from "./retry.ts";
import { type PluginHealth, WorkerGenerations } from "./worker_generations.ts";
import { Supervisor } from "./supervisor.ts";
import type { SupervisorEvents } from "./supervisor_events.ts";
import type { SupervisorOptions, WorkerSettings } from "./supervisor_options.ts";
import { TimerDuty } from "./timer_duty.ts";

/** What callers are told whose operations are not done when the server stops, or their plugin is removed. */
const GIVEN_UP = "the plugin was stopped before the operation was done";

export interface PoolOptions extends SupervisorOptions {
  readonly life: LifeLimits;
  /** Operations with keys. */
  readonly dedup: Dedup;
  /** From 0 up to 1. */
  readonly random: () => number;
  /** The time of day. */
  readonly clock: () => Date;
  readonly events: PoolEvents;
}

/** Where the pool's news go. */
export interface PoolEvents extends OutcomeEvents {
  /** All answers of a batch have been told. */
  answered(): void;
  /** A worker asks something of the server. */
  asked(worker: PluginWorker, request: ServiceRequest): void;
  /** The first worker declares something else than was known before: that counts from now on. */
  declared(declaration: PluginDeclaration): void;
  /** A worker has ended. */
  gone(worker: PluginWorker): void;
  /** So many times a limit was reached in a worker. */
  limits(reached: FigureReport["limits"]): void;
}

/**
 * All that works off a plugin's queue: who gets what ({@link Dispatcher}), who runs ({@link WorkerGenerations}), and what
 * has become of it.
 */
export class WorkerPool {
  readonly outcomes: Outcomes;
  readonly dead: DeadLetters;
  readonly figures = new ReportedFigures();
  /** Workers whose plugin's `stop` failed, or did not end in time, when all were stopped. */
  unstopped = 0;
  readonly #retry: Retry;
  readonly #events: SupervisorEvents;
  readonly #generations: WorkerGenerations;
  readonly #dispatcher: Dispatcher;
  readonly #dueTimer: DueTimer;
  readonly #timerDuty = new TimerDuty(() => this.workers);
  readonly #administration: Administration;
  readonly #idle: (() => void)[] = [];
  #stopping: Promise<void> | null = null;

  constructor(readonly options: PoolOptions) {
    const { queue, events, now, life, dedup, random, clock } = options;
    const failures = new FailureLog(options.setup.name, options.log);
    const nameOf = (id: number, acceptedAt: number) => this.operationId(id, acceptedAt);
    this.dead = new DeadLetters(life.dead, (letter) => failures.dropped(letter, nameOf));
    this.#retry = new Retry(life.retry, (command) => this.#isIdempotent(command), random);
    this.outcomes = new Outcomes({
      queue,
      dead: this.dead,
      dedup,
      retry: this.#retry,
      events,
      failures,
      nameOf,
      now,
      parked: () => this.#dueTimer.arm(),
    });
    this.#events = {
      reply: (worker, reply, bytes, segment, time) => {
        const lane = worker.inFlight.lane(reply.slot);
        const offset = worker.inFlight.offset(reply.slot);
        this.outcomes.replied(worker.inFlight.part(reply.slot), lane, segment, offset, reply, bytes, time);
      },
      cancelled: (_, ...operation) => this.outcomes.cancelTaken(...operation, CANCELLED),
      replied: () => {
        events.answered();
        this.dispatch();
        this.#checkIdle();
        this.#generations.check();
      },
      declared: (declaration) => events.declared(declaration),
      again: () => this.dispatch(),
      left: (worker) => {
        this.figures.forgetGauges(worker.index);
        this.#timerDuty.look();
      },
      ready: () => {
        this.dispatch();
        this.#timerDuty.look();
      },
      lost: (worker, reason) => {
        this.#eachHeld(worker, (...place) => this.outcomes.lost(...place, reason));
        events.answered();
        this.dispatch();
        this.#checkIdle();
        this.#generations.check();
      },
      figures: (worker, report) => {
        const isCurrent = this.workers[worker.index] === worker;
        const dropped = this.figures.report(worker.index, isCurrent ? report : { ...report, gauges: [] });
        events.limits({ ...report.limits, figures: report.limits.figures + dropped });
      },
      asked: (worker, request) => events.asked(worker, request),
      unstopped: () => {
        if (this.#stopping !== null) this.unstopped++;
      },
      timersEnded: (worker) => this.#timerDuty.ended(worker),
      gone: (worker) => {
        events.gone(worker);
        this.#timerDuty.look();
        this.#checkIdle();
      },
    };
    this.outcomes.versions.begin(options.setup, now());
    this.#generations = new WorkerGenerations(new Supervisor(options, this.#events));
    this.#dispatcher = new Dispatcher(
      queue,
      this.workers,
      now,
      options.lostSince,
      life.ttl,
      this.outcomes,
      () => this.mostWorkers,
      () => this.dispatch(),
    );
    this.#dueTimer = new DueTimer(queue, now, () => {
      this.dispatch();
      this.#checkIdle();
    });
    this.#administration = new Administration({
      queue,
      outcomes: this.outcomes,
      workers: () => this.#generations.holders,
      idOf: nameOf,
      now,
      clock,
    });
  }

  /** Those who get operations, or are about to. */
  get workers(): readonly PluginWorker[] {
    return this.#generations.current.workers;
  }

  /** What the module says of itself; null until a worker has loaded it. */
  get declaration(): PluginDeclaration | null {
    return this.#generations.current.declaration;
  }

  /** Where the workers run, and how often they had to be replaced. */
  get health(): PluginHealth {
    return this.#generations.health;
  }

  /** Threads that have run its code, were told to end and may go on. */
  get leaks(): LeakedThreads {
    return this.#generations.current.leaks;
  }

  /** All who may hold operations. */
  get holders(): readonly PluginWorker[] {
    return this.#generations.holders;
  }

  /**
   * The id that an operation has everywhere.
   *
   * @param acceptedAt monotonic, in ms
   */
  operationId(id: number, acceptedAt: number): string {
    const { setup: { run }, queue: { durability } } = this.options;
    return operationId({ run, second: acceptedSecond(acceptedAt, durability?.zero ?? 0), idLow: id >>> 0 });
  }

  /** Where the operation with that id is; null where it has ended, or never was. */
  stateOf(id: number): LiveState | null {
    return this.#administration.state(id);
  }

  /** Operations that workers hold. */
  get inFlight(): number {
    return this.holders.reduce((sum, worker) => sum + worker.inFlight.count, 0);
  }

  /** How many workers it may have. */
  get mostWorkers(): number {
    return this.#generations.current.options.workers;
  }

  /**
   * Starts the workers; rejects where the plugin does not load.
   *
   * @param survey what its module declares; null where only a worker can tell
   */
  start(survey: ModuleSurvey | null): Promise<void> {
    return this.#generations.current.start(survey);
  }

  /** Changes what becomes of operations from now on. */
  bound({ retry, dead, ttl, slowOperation }: LifeLimits): void {
    this.#retry.limits = retry;
    this.dead.bound(dead);
    this.#dispatcher.ttl = ttl;
    this.outcomes.slow.bound(slowOperation);
  }

  /**
   * Workers with other settings, to be started; they get nothing until they {@link switchTo take over}.
   *
   * @param held what is to be done before each of them starts, and who is told when they have been stopped
   */
  successor(settings: WorkerSettings, held: Pick<SupervisorOptions, "ended" | "restore">): Supervisor {
    return new Supervisor({ ...this.options, ...settings, ...held }, this.#events, this.#generations.current);
  }

  /**
   * Lets other workers, which have started, take over: those of before get nothing more, give back what they have not
   * begun, finish what they run and end. Where the new ones are to wait, they begin when that is done.
   *
   * @param arrange called when they begin
   */
  switchTo(successor: Supervisor, wait: boolean, arrange: () => void): void {
    this.#dispatcher.hold();
    this.#generations.take(successor, wait, () => {
      arrange();
      this.outcomes.versions.begin(successor.options.setup, this.options.now());
      this.figures.forgetGauges();
      this.#dispatcher.use(successor.workers);
      this.dispatch();
    });
    this.#timerDuty.look();
  }

  /** Hands waiting operations to workers that have room for them; what waited too long is ended. */
  dispatch(): void {
    const { expired } = this.outcomes;
    this.#dispatcher.dispatch();
    this.options.queue.durability?.publish();
    if (!this.paused && !this.#dispatcher.isHeld && this.options.queue.waiting > 0) {
      this.#generations.current.grow();
    }
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

  /** Operations were committed, or refused after all. */
  committed(): void {
    this.dispatch();
    this.#settled();
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
    return this.#generations.poll();
  }

  /** Lets the next reply of any worker wake this thread; false where there is one already. */
  sleep(): boolean {
    return this.#generations.sleep();
  }

  /** Replaces workers that hang. */
  replaceHung(): void {
    this.#generations.replaceHung();
    this.dispatch();
    if (this.#dispatcher.endUnserved(this.#generations.current.options.setup.timeout) > 0) this.#settled();
  }

  /**
   * Resolves when nothing runs and nothing can run any more before the deadline (monotonic, ms): what is parked for later
   * is not waited for, nor what waits while the plugin is paused. Timers run no more.
   */
  async drained(deadline: number): Promise<void> {
    this.#timerDuty.end();
    this.#timerDuty.look();
    this.#generations.hurry();
    this.#keepAsync();
    while (!this.isDrained(deadline)) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Async operations that are kept for the next start, and have not begun, begin no more. */
  #keepAsync(): void {
    if (this.options.queue.durability === null || this.#dispatcher.keepsAsync) return;
    this.#dispatcher.keepsAsync = true;
    this.#administration.recall();
    this.dispatch();
  }

  /** The same as it is now. */
  isDrained(deadline: number): boolean {
    const { ops, parked, durability } = this.options.queue;
    if (durability !== null) {
      if (this.inFlight > 0 || durability.unsynced > 0) return false;
      return ops === durability.kept || this.paused || this.#generations.isSpent;
    }
    if (ops === parked.count) return parked.earliest > deadline;
    return (this.paused || this.#generations.isSpent) && this.inFlight === 0;
  }

  /** Stops the workers within so many ms or until `hurry` resolves; what is left is given up: 14. */
  stop(graceMs: number, hurry: Promise<void>): Promise<void> {
    return this.#stopping ??= this.#stop(graceMs, hurry);
  }

  async #stop(graceMs: number, hurry: Promise<void>): Promise<void> {
    this.#dispatcher.stop();
    this.#timerDuty.end();
    this.#dueTimer.stop();
    const { holders } = this.#generations;
    await this.#generations.stop(graceMs, hurry);
    if (this.options.queue.durability !== null) this.outcomes.endings.letGo();
    for (const worker of holders) {
      this.#eachHeld(worker, (...place) => this.outcomes.giveUp(...place, GIVEN_UP));
    }
    this.outcomes.giveUpWaiting(GIVEN_UP);
    this.outcomes.endings.letGo();
    this.#settled();
    await this.options.queue.durability?.close();
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
    { inFlight }: PluginWorker,
    end: (part: number, lane: LaneId, segment: Segment, offset: number) => void,
  ): void {
    for (const slot of inFlight.slots()) {
      const segment = inFlight.segment(slot, inFlight.sequence(slot))!;
      end(inFlight.part(slot), inFlight.lane(slot), segment, inFlight.offset(slot));
      inFlight.close(slot);
    }
  }
}
