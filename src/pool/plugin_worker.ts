import { setImmediate } from "node:timers";
import type { Lane } from "../queue/lane.ts";
import { LaneId } from "../queue/operation_queue.ts";
import type { Segment } from "../queue/segment.ts";
import { commandName } from "./command_names.ts";
import { isFromHost } from "../thread/from_host.ts";
import { ReplyView } from "../ring/handoff.ts";
import { type BeatMemory, Pulse } from "../ring/heartbeat.ts";
import { Assignments } from "./assignments.ts";
import type { InFlight } from "./in_flight.ts";
import type {
  FromHost,
  HostSetup,
  PluginDeclaration,
  TimerReport,
  ToHost,
  WorkerRings,
} from "../ring/messages.ts";
import { RingReader } from "../ring/ring.ts";
import { StartWatch } from "./start_watch.ts";
import type { Isolation } from "./supervisor_options.ts";
import type { StartThread, Thread } from "../thread/thread.ts";
import { cut, textOf } from "../text_of.ts";

/** Longest text that says why a worker ended, in UTF-16 units: callers are told it. */
const MAX_REASON = 4096;
/** By lane, replies that are read before the sockets get their turn: a worker that goes on replying holds nobody up. */
const READ_BATCHES = [32, 128] as const;
/** After so long of reading replies other work gets its turn, in ms. */
const TURN_MS = 1;
/** Looks for signs of life come once a second; one that comes longer after the one before is late, in ms. */
const MAX_LOOK_MS = 1500;
/** A child process that is given up may take so long to say what it has not begun, in ms. */
const GIVE_BACK_MS = 100;

/** What a worker is made of, on the main thread. */
export interface WorkerOptions {
  readonly index: number;
  /** The part of the queue that it takes from; it may stand in for others. */
  readonly part: number;
  /** The lanes of a part. */
  readonly lanes: (part: number) => readonly [Lane, Lane];
  /** What times of acceptance count from, as operations' ids are told; in ms. */
  readonly zero: number;
  readonly setup: Omit<HostSetup, "rings" | "beats" | "worker">;
  readonly rings: WorkerRings;
  readonly beats: BeatMemory;
  readonly isolation: Isolation;
  readonly startThread: StartThread;
  /** Monotonic, in ms. */
  readonly now: () => number;
}

/** What a worker tells the pool. */
export interface WorkerEvents {
  /** A reply that was found at `time` (monotonic, ms); its content lies in `bytes` until this returns. */
  reply(worker: PluginWorker, reply: ReplyView, bytes: Uint8Array, segment: Segment, time: number): void;
  /** An operation that was cancelled came back unbegun; it is not in `inFlight` any more. */
  cancelled(worker: PluginWorker, part: number, lane: LaneId, segment: Segment, offset: number): void;
  /** All replies that were there have been told, or operations went back to their lanes. */
  replied(worker: PluginWorker): void;
  message(worker: PluginWorker, message: FromHost): void;
  /** The plugin posted something that is no message of mevent's; it has no effect. */
  odd(worker: PluginWorker, what: string): void;
  /**
   * The thread is gone or of no use. What it had not begun has gone back to its lanes; what is left in `inFlight` it
   * had begun, or, where a child process died without a word, may have.
   */
  died(worker: PluginWorker, reason: string): void;
}

/**
 * One of a plugin's workers, seen from the main thread.
 *
 * ```
 * starting ──ready──► running ──retire──► retiring ──done──► stopping ──stopped──► gone
 *     │                  └─────────────stop────────────────────▲ │                  ▲
 *     └──failed, hung, over its bounds──► failing ──given back, or not in time──────┘
 * ```
 */
export class PluginWorker {
  readonly assignments: Assignments;
  readonly inFlight: InFlight;
  readonly index: number;
  readonly part: number;
  readonly isolation: Isolation;
  readonly rings: WorkerRings;
  readonly now: () => number;
  /** Monotonic, in ms. */
  readonly startedAt: number;
  state: "starting" | "running" | "retiring" | "failing" | "stopping" | "gone" = "starting";
  declaration: PluginDeclaration | null = null;
  /** What keeps its plugin from its work, as the plugin says. */
  problem: string | null = null;
  /** Its plugin's timers run there. */
  runsTimers = false;
  /** What it has told of them last, by their names. */
  readonly timers = new Map<string, TimerReport>();
  /** Operations it has answered. */
  answered = 0;
  /** When it last had nothing to do and was given something, and when it last replied; monotonic, in ms. */
  #givenAt = 0;
  #repliedAt = 0;
  readonly #limits: Pick<HostSetup, "timeout" | "grace">;
  readonly #thread: Thread;
  readonly #pulse: Pulse;
  readonly #start: StartWatch;
  /** Runs while it is given up. */
  #timer: number | undefined;
  #failure = "";
  readonly #replies: readonly [RingReader, RingReader];
  readonly #reply = new ReplyView();
  readonly #onWake = () => {
    if (this.state !== "gone") this.#drain();
  };

  /** Throws where its thread cannot be started. */
  constructor(options: WorkerOptions, readonly events: WorkerEvents) {
    const { setup, rings, beats } = options;
    this.index = options.index;
    this.part = options.part;
    this.isolation = options.isolation;
    this.rings = rings;
    this.now = options.now;
    this.startedAt = options.now();
    this.#limits = setup;
    this.#replies = [
      new RingReader(rings.syncReplies),
      new RingReader(rings.asyncReplies, rings.syncReplies),
    ];
    this.#pulse = new Pulse(beats, MAX_LOOK_MS);
    this.#thread = options.startThread({
      message: (data) => this.#contained(data),
      replies: this.#onWake,
      returned: (pairs) => this.#returned(pairs),
      failed: (reason) => this.fail(reason),
    });
    this.assignments = new Assignments({
      rings,
      isolation: options.isolation,
      lanes: options.lanes,
      zero: options.zero,
      thread: this.#thread,
      cancelled: (...operation) => this.events.cancelled(this, ...operation),
    });
    this.inFlight = this.assignments.inFlight;
    this.#start = new StartWatch(this.#pulse, this.now, (reason) => this.fail(reason), setup.startTimeout);
    this.post({ kind: "start", setup: { ...setup, worker: this.index, rings, beats } });
    this.#drain();
  }

  /** Changes while its thread gets anywhere. */
  get beat(): number {
    return this.#pulse.beat;
  }

  /** Where it runs. */
  get thread(): Pick<Thread, "threads" | "ended" | "pid"> {
    return this.#thread;
  }

  post(message: ToHost): void {
    this.#thread.post(message);
    this.assignments.wake();
  }

  /** Whether it may be given one more operation of that lane. */
  hasCredit(lane: LaneId): boolean {
    return this.state === "running" && this.assignments.hasCredit(lane);
  }

  /** Whether it has run as many operations as one is to run; 0 is any number. */
  isWorn(most: number): boolean {
    return most > 0 && this.answered >= most;
  }

  /** Hands over a record; false where the ring is full. */
  give(part: number, lane: LaneId, segment: Segment, offset: number): boolean {
    if (this.inFlight.count === 0) this.#givenAt = this.now();
    return this.assignments.give(part, lane, segment, offset);
  }

  /** Since when it has held operations without a reply; null where it holds none. */
  get stalledSince(): number | null {
    if (this.state !== "running" || this.inFlight.count === 0) return null;
    return Math.max(this.#repliedAt, this.#givenAt);
  }

  /** Asks it not to let operations wait for others. */
  hurry(): void {
    if (this.state === "running" || this.state === "retiring") this.post({ kind: "hurry" });
    else if (this.state === "starting") this.#start.hurry();
  }

  /** For how long its thread has given no sign of life, in ms; a look. */
  silentFor(): number {
    return this.state === "running" || this.state === "retiring" ? this.#pulse.silentFor(this.now()) : 0;
  }

  /** Asks the worker to abort the signal of an operation that has begun. */
  abort(slot: number): void {
    this.post({ kind: "cancel", slot, sequence: this.inFlight.sequence(slot) });
  }

  /** A child process will not begin these. */
  #returned(pairs: readonly number[]): void {
    this.assignments.returned(pairs);
    if (this.state === "failing") this.#end();
    else this.events.replied(this);
  }

  /** It is given nothing more; what it has not begun goes back. */
  retire(): void {
    if (this.state !== "running") return;
    this.state = "retiring";
    this.hurry();
    this.assignments.takeBack();
    // Nobody polls it from now on.
    this.#drain();
  }

  /** Asks the worker to finish what it holds and run the plugin's `stop`. */
  stop(): void {
    if (this.state === "gone" || this.state === "failing") return;
    this.state = "stopping";
    this.post({ kind: "stop" });
  }

  /** Ends the thread now. */
  terminate(): void {
    if (this.state === "gone") return;
    this.state = "gone";
    this.#start.end();
    clearTimeout(this.#timer);
    this.#thread.terminate();
    this.#replies[LaneId.Sync].abandon();
  }

  /**
   * The one place where messages of a plugin's thread come in. The plugin may post there as mevent does: whatever it
   * posts, the server goes on.
   */
  #contained(data: unknown): void {
    if (this.state === "gone") return;
    try {
      if (isFromHost(data)) this.#message(data);
      else this.events.odd(this, "posted a message that mevent does not know");
    } catch (error) {
      this.events.odd(this, `posted a message that could not be handled: ${cut(textOf(error), MAX_REASON)}`);
    }
  }

  #message(message: FromHost): void {
    if (message.kind === "failed") return this.fail(message.message);
    if (message.kind === "progress") {
      for (const { slot, sequence, done, total, note } of message.operations) {
        // It may have ended meanwhile.
        if (this.inFlight.segment(slot, sequence) === null) continue;
        this.inFlight.setProgress(slot, { done, total, note });
      }
      return;
    }
    if (message.kind === "timers told") return this.#timersTold(message.timers);
    if (message.kind === "timers ended") this.runsTimers = false;
    if (message.kind === "overdue") return this.#overdue(message.command);
    if (message.kind === "surveying" || message.kind === "surveyed") {
      return this.events.odd(this, "told of modules, unasked");
    }
    if (message.kind === "ready") {
      if (this.declaration !== null) return this.events.odd(this, "said twice that it is ready");
      this.#start.end();
      this.declaration = message.declaration;
      this.assignments.credit.begin(message.declaration);
      if (this.state === "starting") this.state = "running";
    }
    if (message.kind === "stopped") {
      if (this.state !== "stopping") return this.events.odd(this, "said that it has stopped, unasked");
      // Its last replies may not have been looked at yet.
      this.#readAll();
    }
    this.events.message(this, message);
  }

  #timersTold(reports: readonly TimerReport[]): void {
    this.runsTimers = true;
    for (const report of reports) {
      if (this.declaration?.timers.some(({ name }) => name === report.name)) {
        this.timers.set(report.name, report);
      }
    }
  }

  #overdue(command: number): void {
    if (this.state !== "running" && this.state !== "retiring") return;
    const { timeout, grace } = this.#limits;
    this.fail(
      `an operation of command ${
        commandName(this, command)
      } has not ended ${grace} ms after its time-out of ${timeout} ms`,
    );
  }

  /** Gives it up: what it has not begun goes back, it is ended, and what else it holds is told as lost. */
  fail(reason: string): void {
    if (this.state === "gone" || this.state === "failing") return;
    this.#failure = reason;
    this.state = "failing";
    this.#start.end();
    this.#readAll();
    this.assignments.takeBack();
    if (this.assignments.isAsked) this.#timer = setTimeout(() => this.#end(), GIVE_BACK_MS);
    else this.#end();
  }

  #end(): void {
    if (this.state === "gone") return;
    this.#readAll();
    this.terminate();
    this.events.died(this, cut(this.#failure, MAX_REASON));
  }

  /** Looks for replies now; true where there were some. The writer need not wake this thread until {@link sleep}. */
  poll(): boolean {
    this.#replies[LaneId.Sync].stayAwake();
    return this.state !== "gone" && this.#read();
  }

  /** Lets the next reply wake this thread; false where there is one already. */
  sleep(): boolean {
    return this.state === "gone" ||
      this.#replies[LaneId.Sync].sleep(this.#onWake, this.#replies[LaneId.Async]);
  }

  /** Takes the replies that have come and goes back to sleep; where they do not end, others get their turn. */
  #drain(): void {
    const end = this.now() + TURN_MS;
    do {
      while (this.#read()) if (this.now() > end) return void setImmediate(this.#onWake);
    } while (!this.sleep());
  }

  /** Takes what it has published by now. */
  #readAll(): void {
    const ends = this.#replies.map((ring) => ring.position + Math.min(ring.unread, ring.capacity));
    const isThereMore = () => this.#replies.some((ring, lane) => ((ends[lane]! - ring.position) | 0) > 0);
    while (isThereMore() && this.#read());
  }

  /** Takes what has come, up to a batch; sync replies first, which callers wait for. */
  #read(): boolean {
    const time = this.now();
    const count = this.#readLane(LaneId.Sync, time) + this.#readLane(LaneId.Async, time);
    const hasRoom = this.assignments.hasRoomAgain();
    if (count === 0 && !hasRoom) return false;
    if (count > 0) this.assignments.credit.renew();
    this.events.replied(this);
    return true;
  }

  #readLane(lane: LaneId, time: number): number {
    const { inFlight } = this;
    const ring = this.#replies[lane];
    const reply = this.#reply;
    let count = 0;
    const most = READ_BATCHES[lane];
    for (; count < most && ring.next(); count++) {
      if (!reply.read(ring)) continue;
      const segment = inFlight.segment(reply.slot, reply.sequence);
      if (segment === null) continue;
      this.#repliedAt = time;
      this.assignments.credit.ran(reply.runTime);
      this.events.reply(this, reply, ring.bytes, segment, time);
      inFlight.close(reply.slot);
    }
    ring.release();
    this.answered += count;
    if (count > 0) this.#thread.released();
    if (ring.isBroken) this.fail("it wrote what can be no replies");
    return count;
  }
}
