import { Backoff } from "./backoff.ts";
import { endWorkers } from "./end_workers.ts";
import { DelayedStarts } from "./delayed_starts.ts";
import { EndedThreads } from "./ended_threads.ts";
import { giveUpHung, giveUpLate } from "./hung_workers.ts";
import { LeakedThreads } from "./leaked_threads.ts";
import type { FromHost, ModuleSurvey, PluginDeclaration } from "../ring/messages.ts";
import type { PluginWorker, WorkerEvents } from "./plugin_worker.ts";
import type { Isolation, SupervisorOptions } from "./supervisor_options.ts";
import type { SupervisorEvents } from "./supervisor_events.ts";
import { Staff } from "./staff.ts";
import { givenWorkers, leastWorkers } from "./staffing.ts";
import { WorkerLog } from "./worker_log.ts";
import { WorkerStarter } from "./worker_starter.ts";

/**
 * Keeps a plugin's workers running: starts them, replaces those that die, hang, are too large or have worked enough,
 * and stops them. A plugin that keeps a thread spinning for ever is moved to child processes.
 *
 * ```
 * nobody ──work──► worker ──no work──► ends
 * worker ──dies, hangs──► lost ──back-off──► worker
 * worker ──recycled, moved──► worker and its successor ──ready──► successor, and the worker retires
 * all ──retire──► end once they hold nothing, are not replaced
 * ```
 */
export class Supervisor {
  readonly workers: PluginWorker[] = [];
  declaration: PluginDeclaration | null = null;
  /** Workers that were replaced because they died or hung. */
  restarts = 0;
  /** Workers that were replaced after `recycleAfter` operations. */
  recycled = 0;
  isolation: Isolation;
  /** It was found spinning, and runs in processes since. */
  moved = false;
  /** Threads that were ended and go on. */
  leakedThreads = 0;
  /** A worker has died since one has started last. */
  hasDied = false;
  /** By index: who is to take a worker's place. */
  readonly #successors = new Map<number, PluginWorker>();
  /** Since when those that were replaced are to end what they hold. */
  readonly #retiring = new Map<PluginWorker, number>();
  readonly leaks: LeakedThreads;
  readonly #starter: WorkerStarter;
  /** Whether a worker of the plugin has run, those of whom it takes over from included. */
  readonly past: { hasRun: boolean };
  /** All that are to be there have started: from now on one that fails is replaced. */
  #isReady = false;
  /** What is declared, where that was learned without a worker: the first one's own counts. */
  #surveyed: PluginDeclaration | null = null;
  /** Where their number follows the work; null where it is fixed, or not known yet. */
  #staff: Staff<PluginWorker> | null = null;
  readonly #ready = Promise.withResolvers<void>();
  readonly #delayed: DelayedStarts;
  readonly #ended: EndedThreads;
  /** Others have taken over. */
  #isRetired = false;
  #isHurried = false;
  #stopping = false;
  readonly #backoff: Backoff;
  readonly #log: WorkerLog;

  /** @param before who takes over from it: threads that do not end, and what they have led to, stay known */
  constructor(readonly options: SupervisorOptions, readonly events: SupervisorEvents, before?: Supervisor) {
    this.leaks = before?.leaks ?? new LeakedThreads(options.demoteThreads);
    this.leakedThreads = before?.leakedThreads ?? 0;
    this.moved = before?.moved ?? false;
    this.isolation = this.moved ? "process" : options.isolation;
    this.past = before?.past ?? { hasRun: false };
    this.#ended = new EndedThreads(this.leaks, options.discard);
    this.#backoff = new Backoff(options.now);
    this.#log = new WorkerLog(options.setup.name, options.log);
    this.#delayed = new DelayedStarts(options.setup.name, this.#backoff, options.mayStart, options.log);
    this.#starter = new WorkerStarter(options);
  }

  /** Those that work, those that retire, and those that are to take a place. */
  get all(): PluginWorker[] {
    return [...this.workers, ...this.#retiring.keys(), ...this.#successors.values()];
  }

  /**
   * Starts the workers that are to be there without work; rejects where the plugin does not load.
   *
   * @param survey what its module declares; null where only a worker can tell, which is started for that
   */
  start(survey: ModuleSurvey | null): Promise<void> {
    const { options } = this;
    if (this.#stopping) return Promise.reject(new Error(`plugin ${options.setup.name} has been stopped`));
    const least = survey === null ? givenWorkers(options) : leastWorkers(options, survey.declaration);
    if (survey === null || least > 0) {
      for (let index = 0; index < Math.max(least, 1); index++) this.#spawn(index);
      return this.#ready.promise;
    }
    this.declaration = this.#surveyed = survey.declaration;
    for (const remark of survey.remarks) options.log.warn(remark, { plugin: options.setup.name });
    this.#begin();
    return this.#ready.promise;
  }

  /** All that are to be there are. */
  #begin(): void {
    if (this.#isReady) return;
    const { options, workers } = this;
    const { workers: most, workerIdle: idle, queue, now, isParted = false } = options;
    const least = leastWorkers(options, this.declaration!);
    if (least < most) {
      this.#staff = new Staff({ least, most, idle }, {
        workers,
        queue,
        isParted,
        now,
        mayStart: (isNeeded) => !this.#backoff.isOn && this.#delayed.isFree(isNeeded),
        start: () => this.#spawn(workers.length),
        // Where others die, the next one would be long in coming.
        mayGo: ({ index }) => !this.#successors.has(index) && !this.#backoff.isOn,
        mayEnd: ({ isolation }) => isolation === "process" || options.mayEnd(),
        dismiss: (worker) => this.#dismiss(worker),
        again: () => this.events.again(),
      });
    }
    this.#isReady = true;
    this.#ready.resolve();
  }

  /** The first worker has started: what it declares counts, whatever its module did where it was looked at. */
  #adopt(surveyed: PluginDeclaration, declaration: PluginDeclaration): void {
    this.#surveyed = null;
    if (!this.#log.declaresOtherwise(surveyed, declaration)) return;
    // Callers find it by the number that was compared with those of the others.
    this.declaration = { ...declaration, biz: surveyed.biz };
    this.#staff?.end();
    this.#staff = null;
    this.#isReady = false;
    this.#begin();
    this.events.declared(this.declaration);
  }

  /** Operations wait that no worker has room for: there may have to be one more. */
  grow(): void {
    this.#staff?.grow();
  }

  /** There is no work for the last one. */
  #dismiss(worker: PluginWorker): void {
    this.options.log.debug("a worker without work ends", this.#log.fields(worker));
    this.workers.pop();
    worker.retire();
    this.events.left(worker);
    this.#seeOff(worker);
  }

  /** A look, once a second: replaces workers that hang, and finds threads that have not ended. */
  replaceHung(): void {
    giveUpHung(this.all, this.options);
    if (!this.#stopping) giveUpLate(this.#retiring, this.options);
    // Who has taken over looks for the threads of all before.
    if (this.#isRetired) return;
    this.leakedThreads = this.leaks.look();
    if (this.leakedThreads > 0 && this.isolation === "worker" && !this.#stopping) this.#move();
    for (const worker of this.workers) if (worker.isolation !== this.isolation) this.#replace(worker);
  }

  /** Others take over: what its workers have not begun goes back into the queue, what they run they finish. */
  retire(): void {
    this.#isRetired = true;
    this.#delayed.cancel();
    this.#staff?.end();
    for (const worker of this.workers) worker.retire();
  }

  /** Its workers let no operation wait for others from now on. */
  hurry(): void {
    this.#isHurried = true;
    for (const worker of this.all) worker.hurry();
  }

  /** Its plugin stops, and no worker is left, or to come, that could do anything. */
  get isSpent(): boolean {
    return this.#isHurried && this.#delayed.count === 0 && this.#staff?.isPending !== true &&
      this.all.every(({ state }) => state === "failing" || state === "gone");
  }

  /** Whether its workers hold no operation. */
  get isEmpty(): boolean {
    return this.all.every((worker) => worker.inFlight.count === 0);
  }

  /**
   * Runs the plugin's `stop` in each worker, for at most so many ms or until `hurry` resolves, and ends them. What they
   * hold then is still in their `inFlight`.
   */
  async stop(graceMs: number, hurry: Promise<void>): Promise<void> {
    this.#stopping = true;
    this.#delayed.cancel();
    this.#staff?.end();
    const all = this.all;
    const stopped = Promise.withResolvers<void>();
    this.#stopped = () => {
      if (all.every((worker) => worker.state === "gone")) stopped.resolve();
    };
    for (const worker of all) {
      // Who has not started has nothing to finish.
      if (worker.declaration === null && worker.state !== "gone") this.#terminate(worker);
      else worker.stop();
    }
    this.#stopped();
    await endWorkers(all, stopped.promise, graceMs, hurry, (worker) => {
      this.options.log.warn("worker did not stop in time and is ended", this.#log.fields(worker));
      this.events.unstopped(worker);
      this.#terminate(worker);
    });
    await this.#ended.all();
    this.options.ended?.();
  }

  #stopped = () => {};

  #spawn(index: number): void {
    this.workers[index] = this.#create(index);
  }

  #create(index: number): PluginWorker {
    const begins = { first: !this.past.hasRun, tellsRemarks: index === 0 && !this.#isReady };
    const worker = this.#starter.start(index, this.isolation, begins, this.#workerEvents);
    if (this.#isHurried) worker.hurry();
    return worker;
  }

  readonly #workerEvents: WorkerEvents = {
    reply: (worker, reply, bytes, segment, time) => this.events.reply(worker, reply, bytes, segment, time),
    cancelled: (...operation) => this.events.cancelled(...operation),
    replied: (worker) => {
      this.events.replied();
      if (worker.state === "retiring") this.#retired(worker);
      else if (worker.isWorn(this.options.recycleAfter) && this.#replace(worker)) this.recycled++;
    },
    message: (worker, message) => this.#message(worker, message),
    odd: (worker, what) => this.options.log.warn(`a worker ${what}`, this.#log.fields(worker)),
    died: (worker, reason) => this.#died(worker, reason),
  };

  #message(worker: PluginWorker, message: FromHost): void {
    switch (message.kind) {
      case "ready":
        return this.#started(worker, message.declaration);
      case "log":
        return this.#log.line(worker, message);
      case "health":
        return this.#log.health(worker, message.problem);
      case "stats":
        return this.events.figures(worker, message);
      case "cache":
      case "call":
      case "uncall":
      case "taken":
        return this.events.asked(worker, message);
      case "timers ended":
        return this.events.timersEnded(worker);
      case "stopped":
        if (message.problem !== null) this.events.unstopped(worker);
        return this.#terminate(worker);
      default:
        return;
    }
  }

  #started(worker: PluginWorker, declaration: PluginDeclaration): void {
    this.declaration ??= declaration;
    this.past.hasRun = true;
    this.hasDied = false;
    if (this.#isHurried) worker.hurry();
    if (this.#isRetired) return;
    if (this.#surveyed !== null) this.#adopt(this.#surveyed, declaration);
    if (this.#successors.get(worker.index) === worker) return this.#succeed(worker);
    if (this.workers.every((other) => other.state === "running")) this.#begin();
    this.#staff?.began();
    this.events.ready();
  }

  /** Starts another in its place, which it keeps until that one is ready; false where that is under way. */
  #replace(worker: PluginWorker): boolean {
    const { index } = worker;
    if (this.#stopping || worker.state !== "running" || this.#successors.has(index)) return false;
    // After one that did not start the next waits, as after one that died.
    if (this.#backoff.isOn || !this.options.mayStart(true)) return false;
    this.#successors.set(index, this.#create(index));
    return true;
  }

  /** The successor has started: what the worker has not begun is for it, and the worker finishes what it has. */
  #succeed(successor: PluginWorker): void {
    const { index } = successor;
    const worker = this.workers[index]!;
    worker.retire();
    // Where operations are to run in order, all or those of a key, the last of the one ends before the other begins.
    const isInOrder = successor.declaration!.concurrency === 1 || this.options.isParted;
    if (isInOrder && worker.inFlight.count > 0) return;
    this.#successors.delete(index);
    this.workers[index] = successor;
    if (worker.state === "retiring") this.#seeOff(worker);
    this.events.ready();
  }

  /** It has no place any more, and ends when it holds nothing, or does not end it in time. */
  #seeOff(worker: PluginWorker): void {
    this.#retiring.set(worker, this.options.now());
    if (worker.inFlight.count === 0) worker.stop();
  }

  /** A worker that retires has replied. */
  #retired(worker: PluginWorker): void {
    if (worker.inFlight.count > 0) return;
    const successor = this.#successors.get(worker.index);
    if (this.#retiring.has(worker)) worker.stop();
    else if (successor !== undefined && successor.declaration !== null && !this.#isRetired) {
      this.#succeed(successor);
    }
  }

  /** The plugin keeps a thread busy that cannot be ended: what it runs in from now on can be. */
  #move(): void {
    this.isolation = "process";
    this.moved = true;
    this.#log.moved(this.leakedThreads);
  }

  #died(worker: PluginWorker, reason: string): void {
    const { setup, log } = this.options;
    this.#gone(worker);
    const fields = this.#log.deathOf(worker, reason);
    this.events.lost(worker, `the worker of plugin ${setup.name} died: ${reason}`);
    this.events.replied();
    if (this.#stopping) return this.#stopped();
    const failure = () => new Error(`plugin ${setup.name} does not load: ${reason}`);
    if (!this.#isReady) return this.#ready.reject(failure());
    const isEnding = this.#retiring.delete(worker) || this.#isRetired;
    if (isEnding) return log.error("worker died while it ended", fields);
    const { index } = worker;
    const successor = this.#successors.get(index);
    if (this.#isHurried && worker.declaration === null) {
      if (successor === worker) this.#successors.delete(index);
      return log.error("worker died in its start and is not replaced: its plugin stops", fields);
    }
    if (successor === worker) {
      this.#successors.delete(index);
      log.error("worker died that was to replace one", fields);
      return this.#delayed.in(this.#backoff.next(), index, () => this.#succeedAgain(index));
    }
    // Its successor has its place already.
    if (this.workers[index] !== worker) return log.error("worker died while it ended", fields);
    this.restarts++;
    this.hasDied = true;
    if (successor !== undefined) {
      log.error("worker died and was replaced", fields);
      this.#successors.delete(index);
      this.workers[index] = successor;
      return this.events.ready();
    }
    const wait = this.#backoff.next();
    log.error("worker died and is replaced", { ...fields, again_in_ms: wait });
    this.#delayed.in(wait, index, () => this.#spawnAgain(index));
  }

  /** In the place of one that has died; where there is no work for it any more, its place goes. */
  #spawnAgain(index: number): void {
    if (this.#staff?.isLeft(index) === true) this.workers.pop();
    else this.#spawn(index);
  }

  /** Where a worker retires and has no successor, another one has to come. */
  #succeedAgain(index: number): void {
    if (this.workers[index]?.state !== "retiring" || this.#successors.has(index)) return;
    this.#successors.set(index, this.#create(index));
  }

  #terminate(worker: PluginWorker): void {
    worker.terminate();
    this.#gone(worker);
    this.#retiring.delete(worker);
    this.#stopped();
  }

  /** Its thread is told to end. */
  #gone(worker: PluginWorker): void {
    this.#ended.add(worker);
    this.events.gone(worker);
  }
}
