import { setImmediate } from "node:timers";
import type { BatchCommand, BatchResults, Plugin, PluginContext, Result } from "../plugin.ts";
import { ReplyCode } from "../protocol/codes.ts";
import type { ContentLimit } from "../protocol/content_limits.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { ReplyWriter } from "./reply_writer.ts";
import { Batch, type BatchBounds } from "./batch.ts";
import { CANCELLED, type Execution, isThenable, runChecked, SingleExecution } from "./execution.ts";
import type { CallClient } from "./call_client.ts";
import { InProgress } from "./in_progress.ts";
import { commandAt, OperationView } from "../ring/handoff.ts";
import type { HostSetup } from "../ring/messages.ts";
import { OpenBatches } from "./open_batches.ts";
import { OperationContext } from "./operation_context.ts";
import { OperationParams } from "./params.ts";
import { checkParams } from "./params_schema.ts";
import { Pauses } from "./pauses.ts";
import { RingReader } from "../ring/ring.ts";

/** While both lanes have work, one operation in so many is an async one. */
const ASYNC_SHARE = 8;
/** Of the operations that run at once, async ones leave one in so many to sync ones. */
const SYNC_RESERVE = 8;
/** After so long of operations without a pause, timers and messages get their turn; in ms. */
const TURN_MS = 4;
/** A plugin of synchronous commands blocks its thread for so long at a time while it has nothing to do; in ms. */
const BLOCK_MS = 100;
/** Between two of those it waits for so long without blocking: a message takes the event loop some turns; in ms. */
const TURNS_MS = 2;

/** What the host tells of its thread. */
export interface HostEvents {
  /** It gets on. */
  beat(): void;
  /** So many ms since then nothing could get on: the process was stopped. */
  lostSince(time: number): number;
  /** An operation of that command has not ended within its time-out and its grace; told once. */
  overdue(command: number): void;
  /** Params were over a limit. */
  overLimit(limit: ContentLimit): void;
}

/** What a worker's plugin may do at once. */
export interface HostBounds {
  /** Calls: operations, or batches of them. */
  readonly concurrency: number;
  /** Of the batch commands, by number. */
  readonly batches: ReadonlyMap<number, BatchBounds>;
}

/** Runs a plugin's operations inside its worker: takes them from the rings, calls the command, writes the reply. */
export class PluginHost {
  readonly #lanes: readonly [RingReader, RingReader];
  readonly #replies: ReplyWriter;
  readonly #view = new OperationView();
  readonly #inProgress: InProgress;
  readonly #open = new OpenBatches();
  readonly #pauses: Pauses;
  readonly #pump = () => this.#work();
  #turns: number | undefined;
  #syncInARow = 0;
  /** Places taken, by what has not ended and by open batches; and those of async operations among them. */
  #taken = 0;
  #asyncTaken = 0;
  /** So many places async operations may take. */
  readonly #asyncPlaces: number;
  /** Up to where each ring was read when the main thread was told of it. */
  readonly #toldRoom = [0, 0];
  #idle: (() => void) | null = null;
  #stopping = false;

  constructor(
    readonly plugin: Plugin,
    readonly context: PluginContext,
    readonly setup: HostSetup,
    readonly bounds: HostBounds,
    readonly client: CallClient,
    readonly events: HostEvents,
  ) {
    const { sync, async } = setup.rings;
    const { concurrency } = bounds;
    this.#lanes = [new RingReader(sync), new RingReader(async, sync)];
    this.#replies = new ReplyWriter(setup, context.log, (limit) => events.overLimit(limit), () => {
      this.#lanes[0].release();
      this.#lanes[1].release();
    });
    this.#inProgress = new InProgress(
      setup,
      this.#replies,
      (command) => events.overdue(command),
      (execution) => this.#ended(execution),
      (time) => events.lostSince(time),
    );
    this.#pauses = new Pauses(this.#lanes[0], () => this.#replies.show());
    this.#asyncPlaces = concurrency === 1
      ? 1
      : concurrency - Math.max(1, Math.floor(concurrency / SYNC_RESERVE));
  }

  start(): void {
    this.#work();
  }

  /** Resolves when nothing runs. */
  async idle(): Promise<void> {
    if (this.#inProgress.count > 0) await new Promise<void>((resolve) => this.#idle = resolve);
  }

  /** No batch waits for further operations from now on. */
  hurry(): void {
    this.#open.hurry();
    this.#work();
  }

  /** Takes no more operations; what has been gathered is run. */
  close(): void {
    this.#stopping = true;
    for (let batch = this.#open.oldest; batch !== undefined; batch = this.#open.oldest) this.#runBatch(batch);
    this.#replies.publish();
  }

  /** Aborts the signals of all that runs. */
  abort(reason: Error): void {
    this.#inProgress.abort(reason);
  }

  /** Aborts the signal of an operation, where it still runs; one of an open batch does not run. */
  cancel(slot: number, sequence: number): void {
    this.#inProgress.cancel(slot, sequence);
    const cancelled = this.#open.cancel(slot, sequence);
    if (cancelled === null) return;
    this.#replies.failQuietly(cancelled.operation, 0, new Error(CANCELLED));
    if (cancelled.dropped !== null) this.#leave(cancelled.dropped.sync);
    this.#work();
  }

  #work(): void {
    this.events.beat();
    const turnStart = performance.now();
    let time = turnStart;
    while ((this.#taken < this.bounds.concurrency || this.#open.size > 0) && !this.#stopping) {
      const lane = this.#nextLane();
      const batch = this.#open.size === 0 ? undefined : this.#batchBefore(lane, time);
      if (batch !== undefined) {
        lane?.back();
        time = this.#runBatch(batch);
      } else if (lane === null) {
        this.#replies.publish();
        if (this.#rest()) return;
        time = performance.now();
        continue;
      } else {
        if (lane === this.#lanes[0]) this.#pauses.onSync(time);
        else time = this.#pauses.beforeAsync(time);
        time = this.#start(lane, time);
      }
      this.#replies.publishInTime(time);
      if (time - turnStart > TURN_MS) {
        this.#replies.publish();
        setImmediate(this.#pump);
        return;
      }
    }
    this.#replies.publish();
  }

  /** The ring whose next record is to run: sync before async, but async gets its share. */
  #nextLane(): RingReader | null {
    const [sync, async] = this.#lanes;
    if (this.#isSyncOnly) return sync.next() ? sync : null;
    if (this.#syncInARow >= ASYNC_SHARE - 1 && async.next()) {
      this.#syncInARow = 0;
      return async;
    }
    if (sync.next()) {
      this.#syncInARow++;
      return sync;
    }
    this.#syncInARow = 0;
    return async.next() ? async : null;
  }

  /** So many async operations run that the places left are for sync ones, which callers wait for. */
  get #isSyncOnly(): boolean {
    return this.#asyncTaken >= this.#asyncPlaces && this.bounds.concurrency > 1 && this.#open.size === 0;
  }

  /**
   * The open batch that is to run before the record that was found, or before a rest: its time has come; or the record is
   * for none of them and finds no place, so that nothing more can come to them.
   */
  #batchBefore(lane: RingReader | null, time: number): Batch | undefined {
    const open = this.#open;
    if (lane === null) return open.ready(performance.now());
    const due = open.due(time);
    if (due !== undefined || open.of(commandAt(lane)) !== undefined) return due;
    const isPlace = this.#taken < this.bounds.concurrency &&
      (lane === this.#lanes[0] || this.#asyncTaken < this.#asyncPlaces);
    return isPlace ? undefined : open.oldest;
  }

  /** Operations that wait for others send no replies, by which the main thread would see that there is room for more. */
  #tellRoom(): void {
    for (const [at, ring] of this.#lanes.entries()) {
      if ((ring.position - this.#toldRoom[at]!) >>> 0 < ring.capacity / 4) continue;
      this.#toldRoom[at] = ring.position;
      this.#replies.wake();
    }
  }

  /** Waits for either lane; false where one has something already. */
  #rest(): boolean {
    const [sync, async] = this.#lanes;
    if (this.#open.size > 0) this.#tellRoom();
    if (this.#isSyncOnly) return sync.sleep(this.#pump);
    // A promise that is still to settle needs the thread's turns: it does not block then.
    if (this.plugin.sync !== true || this.#inProgress.count > 0) {
      this.#open.watch(this.#pump);
      return sync.sleep(this.#pump, async);
    }
    const most = this.#open.size === 0
      ? BLOCK_MS
      : Math.min(BLOCK_MS, this.#open.restFrom(performance.now()));
    const found = sync.block(most, async);
    this.events.beat();
    if (found) return false;
    clearTimeout(this.#turns);
    this.#turns = setTimeout(this.#pump, this.#open.size === 0 ? TURNS_MS : 0);
    return sync.sleep(this.#pump, async);
  }

  /** Starts the operation the ring has found; returns the time afterwards. */
  #start(ring: RingReader, startedAt: number): number {
    const view = this.#view;
    if (!view.claim(ring)) return startedAt;
    const { slot, sequence, command, encoding, sync, hops, idLow } = view;
    const { contentLimits, timeout } = this.setup;
    const params = new OperationParams(encoding, ring.bytes, view.at, view.length, contentLimits);
    const { client } = this;
    const context = new OperationContext(
      this.context,
      client,
      hops,
      command,
      sync,
      params,
      startedAt,
      timeout,
    );
    context.identify(sync ? this.setup.syncRun : this.setup.run, view);
    try {
      const handler = this.plugin.commands[command];
      // Queued for code that has been replaced since.
      if (handler === undefined) throw new ProtocolError(`there is no command ${command}`, ReplyCode.Unknown);
      const check = handler.params === undefined ? null : checkParams(handler.params, context);
      if (handler.batch !== undefined) return this.#gather(handler, context, check, startedAt);
      const result: Result | PromiseLike<Result> = check === null
        ? handler.run(context)
        : runChecked(handler, context, check);
      if (isThenable<Result>(result)) {
        params.keep();
        this.#enter(sync);
        this.#inProgress.follow(new SingleExecution(slot, sequence, encoding, idLow, context), result);
        return performance.now();
      }
      const time = performance.now();
      this.#replies.succeed(view, time - startedAt, params, result);
      params.drop();
      return time;
    } catch (error) {
      const time = performance.now();
      this.#replies.fail(view, time - startedAt, error);
      params.drop();
      return time;
    }
  }

  /** Puts the operation into its command's open batch; returns the time afterwards. */
  #gather(
    handler: BatchCommand,
    context: OperationContext,
    check: PromiseLike<unknown> | null,
    time: number,
  ): number {
    const { command, sync } = context;
    let batch = this.#open.of(command);
    if (batch === undefined) {
      const bounds = this.bounds.batches.get(command);
      if (bounds === undefined) {
        throw new Error(`command ${command} had no \`batch\` when the worker started`);
      }
      batch = new Batch(handler, bounds, this.context, this.client, command, this.setup.timeout, sync, time);
      this.#open.add(batch);
      this.#enter(sync);
    }
    this.#open.keep(context.params);
    batch.add(this.#view, context, check);
    return batch.isFull ? this.#runBatch(batch) : performance.now();
  }

  /** Runs a batch, which is open no more; returns the time afterwards. */
  #runBatch(batch: Batch): number {
    this.#open.delete(batch);
    const startedAt = performance.now();
    try {
      const results = batch.run(this.#replies, startedAt);
      if (isThenable<BatchResults>(results)) {
        this.#inProgress.follow(batch, results);
        return performance.now();
      }
      batch.succeed(this.#replies, performance.now() - startedAt, results);
    } catch (error) {
      batch.fail(this.#replies, performance.now() - startedAt, error);
    }
    this.#leave(batch.sync);
    return performance.now();
  }

  /** An asynchronous command has really ended: its place is free again. */
  #ended({ sync }: Execution<unknown>): void {
    this.#leave(sync);
    if (!sync) this.#pauses.afterAsync(performance.now());
    this.#replies.publish();
    if (this.#inProgress.count === 0 && this.#idle !== null) this.#idle();
    this.#work();
  }

  #enter(sync: boolean): void {
    this.#taken++;
    if (!sync) this.#asyncTaken++;
  }

  #leave(sync: boolean): void {
    this.#taken--;
    if (!sync) this.#asyncTaken--;
  }
}
