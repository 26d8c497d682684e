import { setImmediate } from "node:timers";
import type { Lane } from "../queue/lane.ts";
import { LaneId } from "../queue/operation_queue.ts";
import { OperationRecord } from "../queue/record.ts";
import type { Segment } from "../queue/segment.ts";
import { cut } from "./cut.ts";
import { isFromHost } from "./from_host.ts";
import { isClaimed, ReplyView, takeBack, writeOperation } from "./handoff.ts";
import { InFlight } from "./in_flight.ts";
import type { FromHost, HostSetup, PluginDeclaration, ToHost, WorkerRings } from "./messages.ts";
import { RingReader, RingWriter } from "./ring.ts";
import { textOf } from "./text_of.ts";

/** How much work a worker is given ahead, in µs of its run time: it never waits for the main thread's turn. */
const LOOK_AHEAD_MICROSECONDS = 2000;
/** The most operations of a lane that a worker is given ahead. */
const MAX_AHEAD = 1024;
/** How long a plugin's module and its `start` may take, in ms. */
const START_TIMEOUT_MS = 30_000;
/** Longest text that says why a worker ended, in UTF-16 units: callers are told it. */
const MAX_REASON = 4096;
/** Replies of a lane that are read before the sockets get their turn: a worker that goes on replying holds nobody up. */
const READ_BATCH = 32;
/** After so long of reading replies other work gets its turn, in ms. */
const TURN_MS = 1;
/** How much the newest run time weighs in the average. */
const RUN_TIME_WEIGHT = 1 / 16;

/** What a worker tells the pool. */
export interface WorkerEvents {
  /** A reply that was found at `time` (monotonic, ms); its content lies in `bytes` until this returns. */
  reply(worker: PluginWorker, reply: ReplyView, bytes: Uint8Array, segment: Segment, time: number): void;
  /** All replies that were there have been told. */
  replied(worker: PluginWorker): void;
  message(worker: PluginWorker, message: FromHost): void;
  /** The plugin posted something that is no message of mevent's; it has no effect. */
  odd(worker: PluginWorker, what: string): void;
  /** The thread is gone or of no use; what it held is still in `inFlight`. */
  died(worker: PluginWorker, reason: string): void;
}

/**
 * One of a plugin's Web Workers, seen from the main thread.
 *
 * ```
 * starting ──ready──► running ──stop──► stopping ──stopped──► gone
 *     └──────failed, error, terminate──────┴───────────────────▲
 * ```
 */
export class PluginWorker {
  readonly inFlight = new InFlight();
  state: "starting" | "running" | "stopping" | "gone" = "starting";
  declaration: PluginDeclaration | null = null;
  /** Average run time of an operation, in µs. */
  #runTime = 0;
  /** Operations of a lane it may hold. */
  #window = 0;
  /** When it last had nothing to do and was given something, and when it last replied; monotonic, in ms. */
  #givenAt = 0;
  #repliedAt = 0;
  readonly #worker: Worker;
  /** Runs while the plugin starts. */
  readonly #startTimer: number;
  readonly #lanes: readonly [RingWriter, RingWriter];
  readonly #replies: readonly [RingReader, RingReader];
  readonly #reply = new ReplyView();
  readonly #onWake = () => {
    if (this.state !== "gone") this.#drain();
  };

  constructor(
    readonly index: number,
    /** The part of the queue that it takes from. */
    readonly part: number,
    setup: Omit<HostSetup, "rings" | "worker">,
    rings: WorkerRings,
    permissions: Deno.PermissionOptions,
    readonly events: WorkerEvents,
    readonly now: () => number,
  ) {
    this.#lanes = [new RingWriter(rings.sync), new RingWriter(rings.async, rings.sync)];
    this.#replies = [
      new RingReader(rings.syncReplies),
      new RingReader(rings.asyncReplies, rings.syncReplies),
    ];
    this.#worker = new Worker(new URL("./host.ts", import.meta.url), {
      type: "module",
      name: `${setup.name}/${index}`,
      deno: { permissions },
    });
    this.#worker.onmessage = (event: MessageEvent<unknown>) => this.#contained(event.data);
    this.#worker.onerror = (event) => {
      // Not cancelled, the error would end the whole process.
      event.preventDefault();
      this.#end(event.message || "the worker failed without a message");
    };
    const { startTimeout = START_TIMEOUT_MS } = setup;
    this.#startTimer = setTimeout(
      () => this.#end(`it did not finish its start within ${startTimeout / 1000} s`),
      startTimeout,
    );
    this.post({ kind: "start", setup: { ...setup, worker: index, rings } });
    this.#drain();
  }

  post(message: ToHost): void {
    this.#worker.postMessage(message);
    // A worker that blocks while it has nothing to do sees messages only when it is woken.
    this.#lanes[LaneId.Sync].wake();
  }

  /** Whether it may be given one more operation of that lane. */
  hasCredit(lane: LaneId): boolean {
    return this.state === "running" && this.inFlight.byLane[lane] < this.#window;
  }

  /** Hands over a record; false where the ring is full. */
  give(lane: LaneId, segment: Segment, offset: number): boolean {
    if (this.inFlight.count === 0) this.#givenAt = this.now();
    const slot = this.inFlight.open(segment, offset, lane);
    const written = writeOperation(
      this.#lanes[lane],
      slot,
      this.inFlight.sequence(slot),
      OperationRecord.command(segment, offset),
      OperationRecord.encoding(segment, offset),
      lane === LaneId.Sync,
      segment.bytes,
      OperationRecord.contentAt(offset),
      OperationRecord.contentLength(segment, offset),
    );
    if (written) this.inFlight.place(slot, this.#lanes[lane].position, this.#lanes[lane].at);
    else this.inFlight.close(slot);
    return written;
  }

  /** Whether it has held operations for longer than since then without a reply. */
  isStalled(since: number): boolean {
    return this.state === "running" && this.inFlight.count > 0 && this.#repliedAt < since &&
      this.#givenAt < since;
  }

  /**
   * Takes back what the worker has not begun, into the lanes of its part; false where there was nothing. Until it
   * replies again it is given no more than it can run at once.
   */
  takeBack(lanes: readonly [Lane, Lane]): boolean {
    const { inFlight } = this;
    let returned = false;
    for (const slot of inFlight.slots()) {
      const segment = inFlight.segment(slot, inFlight.sequence(slot))!;
      if (!this.recall(slot)) continue;
      lanes[inFlight.lane(slot)].giveBack(segment, inFlight.offset(slot));
      returned = true;
    }
    this.#window = this.declaration!.concurrency;
    return returned;
  }

  /** Takes back one operation, whose place in its lane the caller still knows; false where it has begun. */
  recall(slot: number): boolean {
    const { inFlight } = this;
    const ring = this.#lanes[inFlight.lane(slot)];
    if (!takeBack(ring, inFlight.ringPosition(slot), inFlight.ringPlace(slot))) return false;
    inFlight.close(slot);
    return true;
  }

  hasBegun(slot: number): boolean {
    const { inFlight } = this;
    return isClaimed(this.#lanes[inFlight.lane(slot)], inFlight.ringPosition(slot), inFlight.ringPlace(slot));
  }

  /** Asks the worker to abort the signal of an operation that has begun. */
  abort(slot: number): void {
    this.post({ kind: "cancel", slot, sequence: this.inFlight.sequence(slot) });
  }

  /** Shows the worker what it was given. */
  publish(): void {
    this.#lanes[LaneId.Sync].publish();
    this.#lanes[LaneId.Async].publish();
  }

  /** Asks the worker to finish what it holds and run the plugin's `stop`. */
  stop(): void {
    if (this.state === "gone") return;
    this.state = "stopping";
    this.post({ kind: "stop" });
  }

  /** Ends the thread now. */
  terminate(): void {
    if (this.state === "gone") return;
    this.state = "gone";
    clearTimeout(this.#startTimer);
    this.#worker.terminate();
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
    if (message.kind === "failed") return this.#end(message.message);
    if (message.kind === "ready") {
      if (this.declaration !== null) return this.events.odd(this, "said twice that it is ready");
      clearTimeout(this.#startTimer);
      this.declaration = message.declaration;
      this.#runTime = LOOK_AHEAD_MICROSECONDS;
      this.#setWindow();
      if (this.state === "starting") this.state = "running";
    }
    if (message.kind === "stopped") {
      if (this.state !== "stopping") return this.events.odd(this, "said that it has stopped, unasked");
      // Its last replies may not have been looked at yet.
      this.#readAll();
    }
    this.events.message(this, message);
  }

  /** Gives it up: it is ended, and what it holds is told as lost. */
  fail(reason: string): void {
    this.#end(reason);
  }

  #end(reason: string): void {
    if (this.state === "gone") return;
    this.#readAll();
    this.terminate();
    this.events.died(this, cut(reason, MAX_REASON));
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

  #readAll(): void {
    while (this.#read());
  }

  /** Takes what has come, up to a batch; sync replies first, which callers wait for. */
  #read(): boolean {
    const time = this.now();
    const count = this.#readLane(LaneId.Sync, time) + this.#readLane(LaneId.Async, time);
    if (count === 0) return false;
    this.#setWindow();
    this.events.replied(this);
    return true;
  }

  #readLane(lane: LaneId, time: number): number {
    const { inFlight } = this;
    const ring = this.#replies[lane];
    const reply = this.#reply;
    let count = 0;
    for (; count < READ_BATCH && ring.next(); count++) {
      reply.read(ring);
      const segment = inFlight.segment(reply.slot, reply.sequence);
      if (segment === null) continue;
      this.#repliedAt = time;
      this.#runTime += (reply.runTime - this.#runTime) * RUN_TIME_WEIGHT;
      this.events.reply(this, reply, ring.bytes, segment, time);
      inFlight.close(reply.slot);
    }
    ring.release();
    return count;
  }

  /** What runs at once, and as much again as keeps the worker busy while the main thread does other things. */
  #setWindow(): void {
    const ahead = Math.floor(LOOK_AHEAD_MICROSECONDS / Math.max(this.#runTime, 1));
    this.#window = this.declaration!.concurrency + Math.min(MAX_AHEAD, ahead);
  }
}
