import { besides } from "../observe/log_fields.ts";
import { Backoff } from "./backoff.ts";
import { longestWait } from "../host/batch_bounds.ts";
import { commandsHeld } from "./command_names.ts";
import { HANDOFF_OVERHEAD_BYTES } from "../ring/handoff.ts";
import { DelayedStarts } from "./delayed_starts.ts";
import { LeakedThreads } from "./leaked_threads.ts";
import type { FromHost, PluginDeclaration } from "../ring/messages.ts";
import type { PluginWorker, WorkerEvents } from "./plugin_worker.ts";
import type { Isolation, SupervisorOptions } from "./supervisor_options.ts";
import type { SupervisorEvents } from "./supervisor_events.ts";
import { releaseRings } from "../thread/worker_rings.ts";
import { within } from "../within.ts";
import { WorkerStarter } from "./worker_starter.ts";

/** The least bytes of a ring; enough for a window of short operations. */
const MIN_RING_BYTES = 256 * 1024;
/** A worker that is over its plugin's time-out and grace by so much without a sign is given up; in ms. */
const HANG_GRACE_MS = 1000;
/** What workers get to end in at least, in ms: one that holds nothing takes a few. */
const LEAST_GRACE_MS = 300;
/** What a retired worker gets to run `stop`, in ms. */
const STOP_GRACE_MS = 5000;

/**
 * Keeps a plugin's workers running: starts them, replaces those that die, hang, are too large or have worked enough,
 * and stops them. A plugin that keeps a thread spinning for ever is moved to child processes.
 *
 * ```
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
  /** By index: who is to take a worker's place. */
  readonly #successors = new Map<number, PluginWorker>();
  /** Since when those that were replaced are to end what they hold. */
  readonly #retiring = new Map<PluginWorker, number>();
  readonly leaks: LeakedThreads;
  readonly #starter: WorkerStarter;
  readonly #recycleAfter: number;
  /** It has taken over from nobody. */
  readonly #isFirst: boolean;
  /** All workers have started: from now on one that fails is replaced. */
  #isReady = false;
  readonly #ready = Promise.withResolvers<void>();
  readonly #delayed: DelayedStarts;
  /** What ended workers still hold. */
  readonly #ending = new Set<Promise<void>>();
  /** Others have taken over. */
  #isRetired = false;
  #isHurried = false;
  #stopping = false;
  readonly #backoff: Backoff;

  /** @param before who takes over from it: threads that do not end, and what they have led to, stay known */
  constructor(readonly options: SupervisorOptions, readonly events: SupervisorEvents, before?: Supervisor) {
    const { maxContentBytes, recycleAfter } = options;
    this.leaks = before?.leaks ?? new LeakedThreads(options.demoteThreads);
    this.leakedThreads = before?.leakedThreads ?? 0;
    this.moved = before?.moved ?? false;
    this.isolation = this.moved ? "process" : options.isolation;
    this.#isFirst = before === undefined;
    this.#recycleAfter = recycleAfter === 0 ? Infinity : recycleAfter;
    const ringBytes = Math.max(MIN_RING_BYTES, 2 * (maxContentBytes + HANDOFF_OVERHEAD_BYTES + 64));
    this.#backoff = new Backoff(options.now);
    this.#delayed = new DelayedStarts(options.setup.name, this.#backoff, options.mayStart, options.log);
    this.#starter = new WorkerStarter(options, ringBytes);
  }

  /** Those that work, those that retire, and those that are to take a place. */
  get all(): PluginWorker[] {
    return [...this.workers, ...this.#retiring.keys(), ...this.#successors.values()];
  }

  /** Workers that run and whose plugin says that it cannot do its work. */
  get unhealthyWorkers(): number {
    return this.workers.filter(({ state, problem }) => state === "running" && problem !== null).length;
  }

  /** Starts the workers; rejects where the plugin does not load. */
  start(): Promise<void> {
    for (let index = 0; index < this.options.workers; index++) this.#spawn(index);
    return this.#ready.promise;
  }

  /**
   * A look, once a second: replaces workers whose thread gives no sign of life, or that should have answered something
   * long ago: the host answers by itself what runs over its time. Finds threads that have not ended.
   */
  replaceHung(): void {
    const { setup, now, lostSince } = this.options;
    const limit = setup.timeout + setup.grace + HANG_GRACE_MS;
    const time = now();
    for (const worker of this.all) {
      const { stalledSince } = worker;
      const stalledFor = stalledSince === null ? 0 : time - stalledSince - lostSince(stalledSince);
      if (worker.silentFor() > limit || stalledFor > limit + longestWait(worker.declaration)) {
        worker.fail(`it has given no sign of life for ${limit} ms: it hangs, or has ended itself`);
      }
    }
    for (const [worker, since] of this.#stopping ? [] : this.#retiring) {
      const most = setup.timeout + setup.grace + STOP_GRACE_MS;
      if (time - since - lostSince(since) > most) worker.fail("it was replaced and did not end in time");
    }
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
    for (const worker of this.workers) worker.retire();
  }

  /** Its workers let no operation wait for others from now on. */
  hurry(): void {
    this.#isHurried = true;
    for (const worker of this.all) worker.hurry();
  }

  /** Its plugin stops, and no worker is left, or to come, that could do anything. */
  get isSpent(): boolean {
    return this.#isHurried && this.#delayed.count === 0 &&
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
    await within(graceMs, stopped.promise, hurry);
    // Who has nothing to do ends in that, also in a hurry.
    if (all.some(({ state }) => state !== "gone")) await within(LEAST_GRACE_MS, stopped.promise);
    for (const worker of all) {
      if (worker.state === "gone") continue;
      this.options.log.warn("worker did not stop in time and is ended", this.#fields(worker));
      this.events.unstopped(worker);
      this.#terminate(worker);
    }
    await Promise.all(this.#ending);
    this.options.ended?.();
  }

  #stopped = () => {};

  #spawn(index: number): void {
    this.workers[index] = this.#create(index);
  }

  #create(index: number): PluginWorker {
    const { isolation } = this;
    const begins = {
      first: this.#isFirst && !this.#isReady,
      tellsRemarks: index === 0 && !this.#isReady,
    };
    const worker = this.#starter.start(index, isolation, begins, this.#workerEvents);
    if (this.#isHurried) worker.hurry();
    return worker;
  }

  readonly #workerEvents: WorkerEvents = {
    reply: (worker, reply, bytes, segment, time) => this.events.reply(worker, reply, bytes, segment, time),
    cancelled: (...operation) => this.events.cancelled(...operation),
    replied: (worker) => {
      this.events.replied();
      if (worker.state === "retiring") this.#retired(worker);
      else if (worker.answered >= this.#recycleAfter && this.#replace(worker)) this.recycled++;
    },
    message: (worker, message) => this.#message(worker, message),
    odd: (worker, what) => this.options.log.warn(`a worker ${what}`, this.#fields(worker)),
    died: (worker, reason) => this.#died(worker, reason),
  };

  #message(worker: PluginWorker, message: FromHost): void {
    switch (message.kind) {
      case "ready":
        return this.#started(worker, message.declaration);
      case "log":
        return this.options.log.write(
          message.level,
          message.message,
          besides(this.#fields(worker), message.fields),
        );
      case "health":
        return this.#health(worker, message.problem);
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

  #health(worker: PluginWorker, problem: string | null): void {
    const { log } = this.options;
    const before = worker.problem;
    worker.problem = problem;
    if (before === null && problem !== null) {
      log.error("a worker is not healthy", { ...this.#fields(worker), reason: problem });
    } else if (before !== null && problem === null) {
      log.info("a worker is healthy again", this.#fields(worker));
    }
  }

  #started(worker: PluginWorker, declaration: PluginDeclaration): void {
    this.declaration ??= declaration;
    if (this.#isHurried) worker.hurry();
    if (this.#isRetired) return;
    if (this.#successors.get(worker.index) === worker) return this.#succeed(worker);
    if (this.workers.every((other) => other.state === "running")) {
      this.#isReady = true;
      this.#ready.resolve();
    }
    this.events.ready();
  }

  /** Starts another in its place, which it keeps until that one is ready; false where that is under way. */
  #replace(worker: PluginWorker): boolean {
    const { index } = worker;
    if (this.#stopping || worker.state !== "running" || this.#successors.has(index)) return false;
    // After one that did not start the next waits, as after one that died.
    if (this.#backoff.isOn || !this.options.mayStart()) return false;
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
    const { log, setup } = this.options;
    this.isolation = "process";
    this.moved = true;
    log.error("a plugin spins: it runs in child processes from now on, which can be ended", {
      plugin: setup.name,
      leaked_threads: this.leakedThreads,
      advice: 'give it isolation = "process"; a restart ends the threads',
    });
  }

  #died(worker: PluginWorker, reason: string): void {
    const { setup, log } = this.options;
    this.#gone(worker);
    const commands = commandsHeld(worker);
    const fields = {
      ...this.#fields(worker),
      reason,
      operations_begun: worker.inFlight.count,
      ...commands === "" ? {} : { commands },
    };
    this.events.lost(worker, `the worker of plugin ${setup.name} died: ${reason}`);
    this.events.replied();
    if (this.#stopping) return this.#stopped();
    if (!this.#isReady) {
      return this.#ready.reject(new Error(`plugin ${setup.name} does not load: ${reason}`));
    }
    if (this.#retiring.delete(worker) || this.#isRetired) {
      return log.error("worker died while it ended", fields);
    }
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
    if (successor !== undefined) {
      log.error("worker died and was replaced", fields);
      this.#successors.delete(index);
      this.workers[index] = successor;
      return this.events.ready();
    }
    const wait = this.#backoff.next();
    log.error("worker died and is replaced", { ...fields, again_in_ms: wait });
    this.#delayed.in(wait, index, () => this.#spawn(index));
  }

  /** Where a worker retires and has no successor, another one has to come. */
  #succeedAgain(index: number): void {
    if (this.workers[index]!.state !== "retiring" || this.#successors.has(index)) return;
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
    const { discard } = this.options;
    const release = () => discard !== null && releaseRings(worker.rings, discard);
    // Its thread may still be at work.
    this.leaks.terminated(worker.thread.threads, release);
    const ended: Promise<void> = worker.thread.ended.finally(() => {
      this.#ending.delete(ended);
      if (worker.isolation === "process") release();
    });
    this.#ending.add(ended);
    this.events.gone(worker);
  }

  #fields(worker: PluginWorker): { plugin: string; worker: number } {
    return { plugin: this.options.setup.name, worker: worker.index };
  }
}
