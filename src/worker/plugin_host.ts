import { setImmediate } from "node:timers";
import type { JsonValue, Plugin, PluginContext, Result } from "../plugin.ts";
import { encodeContentOf, type Encoding } from "../protocol/body.ts";
import { ReplyCode } from "../protocol/codes.ts";
import type { ContentLimit } from "../protocol/content_limits.ts";
import { errorContent } from "../protocol/error_content.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { OperationView, writeReplyRecord } from "./handoff.ts";
import type { HostSetup } from "./messages.ts";
import { OperationContext, OperationSuccess } from "./operation_context.ts";
import { answerFor } from "./operation_error.ts";
import { OperationParams } from "./params.ts";
import { Pauses } from "./pauses.ts";
import { RingReader, RingWriter } from "./ring.ts";
import { traceOf } from "./text_of.ts";

/** While both lanes have work, one operation in so many is an async one. */
const ASYNC_SHARE = 8;
/** Replies are shown to the main thread together while there is more to do: so many, or what came in so many ms. */
const PUBLISH_EVERY = 16;
const PUBLISH_MS = 0.02;
/** Of the operations that run at once, async ones leave one in so many to sync ones. */
const SYNC_RESERVE = 8;
/** After so long of operations without a pause, timers and messages get their turn; in ms. */
const TURN_MS = 4;
/** A plugin of synchronous commands blocks its thread for so long at a time while it has nothing to do; in ms. */
const BLOCK_MS = 100;
/** What is left of an error's sentence that does not fit a reply. */
const SHORT_MESSAGE_CHARS = 1000;
/** A look every so often while the main thread has not read the replies; in ms. */
const ROOM_POLL_MS = 1000;

/** What a reply needs of its operation. */
type Addressee = Readonly<Pick<OperationView, "slot" | "sequence" | "encoding" | "sync">>;

/** One operation that has not ended yet. */
interface Running extends Addressee {
  readonly startedAt: number;
  readonly context: OperationContext;
  /** Its time was over and the caller has been told. */
  answered: boolean;
}

/** What the host tells of its thread. */
export interface HostEvents {
  /** It gets on. */
  beat(): void;
  /** An operation of that command has not ended within its time-out and its grace; told once. */
  overdue(command: number): void;
  /** Params were over a limit. */
  overLimit(limit: ContentLimit): void;
}

/** Runs a plugin's operations inside its worker: takes them from the rings, calls the command, writes the reply. */
export class PluginHost {
  readonly #lanes: readonly [RingReader, RingReader];
  readonly #replies: readonly [RingWriter, RingWriter];
  readonly #view = new OperationView();
  /** Operations whose command returned a promise, the oldest first. */
  readonly #running = new Set<Running>();
  readonly #pauses: Pauses;
  readonly #pump = () => this.#work();
  #deadline: number | undefined;
  #syncInARow = 0;
  #unpublished = 0;
  #publishedAt = 0;
  /** Of what runs, the async operations. */
  #asyncRunning = 0;
  #idle: (() => void) | null = null;
  #stopping = false;
  #isOverdue = false;

  constructor(
    readonly plugin: Plugin,
    readonly context: PluginContext,
    readonly setup: HostSetup,
    readonly concurrency: number,
    readonly events: HostEvents,
  ) {
    const { sync, async, syncReplies, asyncReplies } = setup.rings;
    this.#lanes = [new RingReader(sync), new RingReader(async, sync)];
    this.#replies = [new RingWriter(syncReplies), new RingWriter(asyncReplies, syncReplies)];
    this.#pauses = new Pauses(this.#lanes[0], () => this.#publish());
  }

  start(): void {
    this.#work();
  }

  /** Resolves when nothing runs. */
  async idle(): Promise<void> {
    if (this.#running.size > 0) await new Promise<void>((resolve) => this.#idle = resolve);
  }

  /** Takes no more operations, and aborts the signals of all that runs. */
  abort(reason: Error): void {
    this.#stopping = true;
    for (const running of this.#running) running.context.abort(reason);
  }

  /** Aborts the signal of an operation, where it still runs. */
  cancel(slot: number, sequence: number): void {
    for (const running of this.#running) {
      if (running.slot !== slot || running.sequence !== sequence) continue;
      running.context.abort(new Error("the operation was cancelled"));
    }
  }

  #work(): void {
    this.events.beat();
    const turnStart = performance.now();
    let time = turnStart;
    while (this.#running.size < this.concurrency && !this.#stopping) {
      const lane = this.#nextLane();
      if (lane === null) {
        this.#publish();
        if (this.#rest()) return;
        continue;
      }
      if (lane === this.#lanes[0]) this.#pauses.onSync(time);
      else time = this.#pauses.beforeAsync(time);
      time = this.#start(lane, time);
      if (this.#unpublished > 0 && time - this.#publishedAt > PUBLISH_MS) {
        this.#publishedAt = time;
        this.#publish();
      }
      if (time - turnStart > TURN_MS) {
        this.#publish();
        setImmediate(this.#pump);
        return;
      }
    }
    this.#publish();
  }

  /** The ring whose next record is to run: sync before async, but async gets its share. */
  #nextLane(): RingReader | null {
    const [sync, async] = this.#lanes;
    if (this.#isAsyncFull) return sync.next() ? sync : null;
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
  get #isAsyncFull(): boolean {
    const { concurrency } = this;
    return concurrency > 1 &&
      this.#asyncRunning >= concurrency - Math.max(1, Math.floor(concurrency / SYNC_RESERVE));
  }

  /** Waits for either lane; false where one has something already. */
  #rest(): boolean {
    const [sync, async] = this.#lanes;
    if (this.#isAsyncFull) return sync.sleep(this.#pump);
    // A promise that is still to settle needs the thread's turns: it does not block then.
    if (this.plugin.sync !== true || this.#running.size > 0) return sync.sleep(this.#pump, async);
    const found = sync.block(BLOCK_MS, async);
    this.events.beat();
    if (found) return false;
    setImmediate(this.#pump);
    return true;
  }

  /** Starts the operation the ring has found; returns the time afterwards. */
  #start(ring: RingReader, startedAt: number): number {
    const view = this.#view;
    if (!view.claim(ring)) return startedAt;
    const { slot, sequence, command, encoding, sync } = view;
    const params = new OperationParams(encoding, ring.bytes, view.at, view.length, this.setup.contentLimits);
    const context = new OperationContext(this.context, command, sync, params);
    try {
      const handler = this.plugin.commands[command];
      // Queued for code that has been replaced since.
      if (handler === undefined) throw new ProtocolError(`there is no command ${command}`, ReplyCode.Unknown);
      if (handler.batch !== undefined) throw new Error("PLACEHOLDER");
      const result = handler.run(context);
      if (isThenable(result)) {
        params.keep();
        this.#follow({ slot, sequence, encoding, sync, startedAt, context, answered: false }, result);
        return performance.now();
      }
      const time = performance.now();
      this.#succeed(view, time - startedAt, params, result);
      params.drop();
      return time;
    } catch (error) {
      const time = performance.now();
      this.#fail(view, time - startedAt, error);
      params.drop();
      return time;
    }
  }

  /**
   * Waits for an asynchronous command; its place is free again when it has really ended. `await`, and not `then`: what
   * a plugin wrote over its promise's methods is not called.
   */
  async #follow(running: Running, result: PromiseLike<Result>): Promise<void> {
    const { startedAt, context, sync } = running;
    this.#running.add(running);
    if (!sync) this.#asyncRunning++;
    this.#watchDeadline();
    try {
      const value = await result;
      if (!running.answered) {
        this.#succeed(running, performance.now() - startedAt, context.params, value);
      }
    } catch (error) {
      if (!running.answered) this.#fail(running, performance.now() - startedAt, error);
    } finally {
      this.#running.delete(running);
      if (!sync) {
        this.#asyncRunning--;
        this.#pauses.afterAsync(performance.now());
      }
      this.#publish();
      if (this.#running.size === 0 && this.#idle !== null) this.#idle();
      this.#work();
    }
  }

  /** One timer: for the oldest operation that has its time yet, or the oldest that is over it. */
  #watchDeadline(): void {
    if (this.#deadline !== undefined) return;
    let end = Infinity;
    for (const running of this.#running) {
      end = Math.min(end, this.#endOf(running));
      if (!running.answered) break;
    }
    if (end === Infinity) return;
    this.#deadline = setTimeout(() => this.#onDeadline(), Math.max(end - performance.now(), 0));
  }

  /** When something is to be done about an operation that still runs. */
  #endOf({ startedAt, answered }: Running): number {
    const { timeout, grace } = this.setup;
    if (!answered) return startedAt + timeout;
    return this.#isOverdue ? Infinity : startedAt + timeout + grace;
  }

  /** Answers and aborts what has run too long; tells of what goes on all the same. */
  #onDeadline(): void {
    this.#deadline = undefined;
    const now = performance.now();
    for (const running of this.#running) {
      if (this.#endOf(running) > now) {
        if (running.answered) continue;
        break;
      }
      if (running.answered) {
        this.#isOverdue = true;
        this.events.overdue(running.context.command);
        continue;
      }
      running.answered = true;
      const error = new Error(`the operation took longer than its time-out of ${this.setup.timeout} ms`);
      this.#fail(running, now - running.startedAt, error);
      running.context.abort(error);
    }
    this.#publish();
    this.#watchDeadline();
  }

  #succeed(to: Addressee, ms: number, params: OperationParams, result: Result): void {
    let code: number = ReplyCode.Ok;
    let value = result;
    if (value instanceof OperationSuccess) {
      code = value.code;
      value = value.value;
    }
    const content = value === params
      ? params.asResult()
      : value === undefined
      ? null
      : encodeContentOf(to.encoding, value as JsonValue, this.setup.contentLimits.depth);
    if (content !== null && content.length > this.setup.maxReplyBytes) {
      const message = `the result has ${content.length} bytes; a reply carries ${this.setup.maxReplyBytes}`;
      const errorReply = this.#errorContent(to.encoding, ReplyCode.Pack, message);
      return this.#write(to, ReplyCode.Pack, ms, errorReply);
    }
    this.#write(to, code, ms, content);
  }

  /** Answers for whatever was thrown. Never throws: nothing of the thrown value is used but what `answerFor` says. */
  #fail(to: Addressee, ms: number, error: unknown): void {
    const { code, message, limit } = answerFor(error);
    if (limit !== undefined) this.events.overLimit(limit);
    const trace = traceOf(error);
    if (code === ReplyCode.Error) this.context.log.warn("an operation failed", { error: message, trace });
    this.#write(to, code, ms, this.#errorContent(to.encoding, code, message, trace));
  }

  /** The error's sentence, cut where the whole of it does not fit a reply. */
  #errorContent(encoding: Encoding, code: number, message: string, trace?: string): Uint8Array {
    const { exposeTrace, maxReplyBytes } = this.setup;
    const content = errorContent(encoding, code, message, exposeTrace ? trace : undefined);
    if (content.length <= maxReplyBytes) return content;
    return errorContent(encoding, code, `${message.slice(0, SHORT_MESSAGE_CHARS)} …`);
  }

  #write(to: Addressee, code: number, ms: number, content: Uint8Array | null): void {
    const ring = this.#replies[to.sync ? 0 : 1];
    const runTime = Math.round(ms * 1000);
    const encoding = content === null ? 0 : to.encoding;
    while (!writeReplyRecord(ring, to.slot, to.sequence, code, runTime, encoding, content)) {
      // The content may lie in the rings of operations: those are not released here.
      ring.publish();
      ring.waitForRoom(ROOM_POLL_MS);
    }
    if (++this.#unpublished >= PUBLISH_EVERY) this.#publish();
  }

  /** Shows the main thread the replies and gives back the room of what was read. */
  #publish(): void {
    this.#unpublished = 0;
    this.#lanes[0].release();
    this.#lanes[1].release();
    this.#replies[0].publish();
    this.#replies[1].publish();
  }
}

/** Promises, and what query builders return instead. */
function isThenable(result: unknown): result is PromiseLike<Result> {
  return typeof result === "object" && result !== null && "then" in result &&
    typeof result.then === "function";
}
