import { CommandTable } from "../observe/command_figures.ts";
import { ReplyCode } from "../protocol/codes.ts";
import type { DeadLetter, DeadLetters } from "../queue/dead_letters.ts";
import type { Dedup } from "../queue/dedup.ts";
import { LaneId, type OperationQueue } from "../queue/operation_queue.ts";
import { type Addressee, OperationRecord } from "../queue/record.ts";
import type { Segment } from "../queue/segment.ts";
import { AttemptHistory } from "./attempt_history.ts";
import { CodeVersions } from "./code_versions.ts";
import { Endings } from "./endings.ts";
import { type FailedAttempt, type FailureLog, isMistake } from "./failure_log.ts";
import { NEVER_AGAIN, type ReplyView } from "../ring/handoff.ts";
import type { Retry } from "./retry.ts";
import { SlowLog } from "./slow_log.ts";

/** What callers are told of their operations. */
export interface OutcomeEvents {
  /** A sync operation is done; the content lies in `bytes` until this returns. */
  answer(segment: Segment, offset: number, reply: ReplyView, bytes: Uint8Array): void;
  /** A sync operation has ended without a reply of the plugin. */
  fail(to: Addressee, code: number, message: string): void;
  /** The operation that another caller waits for, too, has been answered; encoding 0 is a bare code. */
  share(to: Addressee, code: number, encoding: number, content: Uint8Array): void;
}

/** What {@link Outcomes} works with. */
export interface OutcomeParts {
  readonly queue: OperationQueue;
  readonly dead: DeadLetters;
  readonly dedup: Dedup;
  readonly retry: Retry;
  readonly events: OutcomeEvents;
  readonly failures: FailureLog;
  /** The id that an operation has everywhere. */
  readonly nameOf: (id: number, acceptedAt: number) => string;
  /** Monotonic, in ms. */
  readonly now: () => number;
  /** An operation was parked. */
  readonly parked: () => void;
}

/**
 * What becomes of a plugin's operations once they have left the queue: tells their callers, counts, frees their room.
 * Every accepted operation is in one of these states, and in the end in one of the last four:
 *
 * ```
 *             ┌────────── delayed ◄─ asked for a delay
 *             ▼ due
 * accepted ─► queued ──────────────► running ─► done
 *             ▲   │ too old              │
 *         due │   └────────► expired     ├────► failed (async: kept as a dead letter)
 *             └── retrying ◄─────────────┘      (or put off by its plugin)
 * queued, delayed, retrying ──cancel, purge──► cancelled ◄──cancel, then an error── running
 * dead letter ──retry-dead──► queued, accepted anew
 * ```
 */
export class Outcomes {
  /** Operations by outcome. */
  done = 0;
  failed = 0;
  /** Those of `failed` that were their callers' mistakes: they failed with code 17, 18, 23 or 24. */
  refused = 0;
  expired = 0;
  cancelled = 0;
  /** Attempts that failed and were not the last. */
  retries = 0;
  /** Operations that failed with code 18 and 23. */
  unknown = 0;
  badParam = 0;
  /** Done, failed and times by command. */
  readonly commands = new CommandTable();
  /** How those have failed that are tried again. */
  readonly attempts = new AttemptHistory();
  readonly versions = new CodeVersions();
  /** What async callers may ask about. */
  readonly endings: Endings;

  /** Of operations that run for long. */
  readonly slow: SlowLog;

  constructor(readonly parts: OutcomeParts) {
    this.slow = new SlowLog(parts.failures.plugin, parts.failures.log, parts.now);
    this.endings = new Endings(parts.queue, parts.dedup);
  }

  /** A worker has answered; `time` is monotonic, in ms. */
  replied(
    part: number,
    lane: LaneId,
    segment: Segment,
    offset: number,
    reply: ReplyView,
    bytes: Uint8Array,
    time: number,
  ): void {
    if (reply.later && this.#isPostponed(part, lane, segment, offset, time + reply.retryAfter)) return;
    const waitTime = (time - OperationRecord.acceptedAt(segment, offset)) * 1000 - reply.runTime;
    const command = this.commands.of(OperationRecord.command(segment, offset));
    command.run.record(reply.runTime, time);
    command.wait.record(waitTime, time);
    if (reply.runTime > this.slow.limit) this.#tellSlow(lane, segment, offset, waitTime, reply.runTime);
    if (reply.code >= ReplyCode.Ok) {
      this.done++;
      command.done++;
      if (this.endings.results !== null) this.endings.done(lane, segment, offset, reply, bytes, time);
    } else {
      const { code, encoding, at, length, retryAfter } = reply;
      const error = () => ({ encoding, content: bytes.slice(at, at + length) });
      if (this.#isRetried(part, lane, segment, offset, code, retryAfter, error, time)) return;
      this.#failReplied(lane, segment, offset, code, error, time);
    }
    if (this.parts.dedup.pending > 0 && OperationRecord.isKeyed(segment, offset)) {
      this.#share(lane, segment, offset, reply, bytes, time);
    }
    if (lane === LaneId.Sync) this.parts.events.answer(segment, offset, reply, bytes);
    this.parts.queue.finish(part, lane, segment, offset);
  }

  #tellSlow(lane: LaneId, segment: Segment, offset: number, waitTime: number, runTime: number): void {
    this.slow.add(waitTime, runTime, () => {
      const { operation, operationId, command } = this.#attempt(lane, segment, offset, null, "");
      return { operation, operation_id: operationId, command };
    });
  }

  #failReplied(
    lane: LaneId,
    segment: Segment,
    offset: number,
    code: number,
    error: () => DeadLetter["error"],
    time: number,
  ): void {
    if (code === ReplyCode.Unknown) this.unknown++;
    else if (code === ReplyCode.BadParam) this.badParam++;
    this.#fail(lane, segment, offset, code, error, time);
  }

  /** It had begun and its worker died. */
  lost(part: number, lane: LaneId, segment: Segment, offset: number, message: string): void {
    const time = this.parts.now();
    const error = () => message;
    if (this.#isRetried(part, lane, segment, offset, ReplyCode.Error, 0, error, time)) return;
    this.#fail(lane, segment, offset, ReplyCode.Error, error, time);
    this.#tell(lane, segment, offset, ReplyCode.Error, message);
    this.parts.queue.finish(part, lane, segment, offset);
  }

  /** It was taken, and nobody is there to run it. */
  unserved(part: number, lane: LaneId, segment: Segment, offset: number, message: string): void {
    this.#fail(lane, segment, offset, ReplyCode.Error, () => message, this.parts.now());
    this.#tell(lane, segment, offset, ReplyCode.Error, message);
    this.parts.queue.finish(part, lane, segment, offset);
  }

  /** It has not ended when the server stops; what is kept on disk runs after the next start. */
  giveUp(part: number, lane: LaneId, segment: Segment, offset: number, message: string): void {
    const { queue } = this.parts;
    if (lane === LaneId.Sync || queue.durability === null) {
      this.failed++;
      this.commands.of(OperationRecord.command(segment, offset)).failed++;
    }
    if (queue.durability === null) {
      this.endings.failed(lane, segment, offset, "failed", 0, () => message, this.parts.now());
    }
    this.#tell(lane, segment, offset, ReplyCode.Error, message);
    if (queue.durability === null) queue.finish(part, lane, segment, offset);
    else queue.letGo(part, lane, segment, offset);
  }

  /** Gives up all that no worker has taken. */
  giveUpWaiting(message: string): void {
    const { queue } = this.parts;
    while (queue.unpark(Infinity));
    for (const [part, lanes] of queue.parts.entries()) {
      for (const laneId of [LaneId.Sync, LaneId.Async]) {
        const lane = lanes[laneId];
        while (lane.peek()) {
          const { segment, offset } = lane;
          lane.take();
          this.giveUp(part, laneId, segment!, offset, message);
        }
      }
    }
  }

  /** It was taken to be run, and had waited too long. */
  expire(part: number, lane: LaneId, segment: Segment, offset: number, message: string): void {
    this.expired++;
    this.#bury(lane, segment, offset, null, () => message, this.parts.now());
    this.endings.failed(lane, segment, offset, "expired", 0, () => message, this.parts.now());
    this.#tell(lane, segment, offset, ReplyCode.Busy, message);
    this.parts.queue.finish(part, lane, segment, offset);
  }

  /** It was taken, or taken back before it began, and is not to run. */
  cancelTaken(part: number, lane: LaneId, segment: Segment, offset: number, message: string): void {
    this.#cancel(lane, segment, offset, message);
    this.parts.queue.finish(part, lane, segment, offset);
  }

  cancelWaiting(part: number, lane: LaneId, segment: Segment, offset: number, message: string): void {
    this.#cancel(lane, segment, offset, message);
    this.parts.queue.finishWaiting(part, lane, segment, offset);
  }

  cancelParked(entry: number, message: string): void {
    const { parked } = this.parts.queue;
    const { segment, offset } = parked.place(entry);
    this.#cancel(parked.lane(entry), segment, offset, message);
    this.parts.queue.finishParked(entry);
  }

  /** It is not in memory, or not committed yet. */
  cancelAway(id: number, message: string): void {
    this.cancelled++;
    this.endings.cancelledAway(id, message, this.parts.now());
    this.dropAway(id, ReplyCode.Error, message);
  }

  /** Tells those who wait for an operation that is not in memory, or was not accepted in the end. */
  dropAway(id: number, code: number, message: string): void {
    const { dedup, events } = this.parts;
    if (dedup.pending === 0 || !dedup.hasPending(id)) return;
    for (const waiter of dedup.drop(id)) events.fail(waiter, code, message);
  }

  #cancel(lane: LaneId, segment: Segment, offset: number, message: string): void {
    this.cancelled++;
    if (lane === LaneId.Sync) this.#bury(lane, segment, offset, null, () => message, this.parts.now());
    this.endings.failed(lane, segment, offset, "cancelled", 0, () => message, this.parts.now());
    this.#tell(lane, segment, offset, ReplyCode.Error, message);
  }

  /** Parks an operation that its plugin has not begun; false where it was cancelled meanwhile. */
  #isPostponed(part: number, lane: LaneId, segment: Segment, offset: number, due: number): boolean {
    if (OperationRecord.isCancelled(segment, offset)) return false;
    this.parts.queue.park(part, lane, segment, offset, due, "postponed");
    this.parts.parked();
    return true;
  }

  /** Parks an operation whose attempt has failed and that has another one; false where it has none. */
  #isRetried(
    part: number,
    lane: LaneId,
    segment: Segment,
    offset: number,
    code: number,
    retryAfter: number,
    error: () => DeadLetter["error"],
    time: number,
  ): boolean {
    if (OperationRecord.isCancelled(segment, offset)) return false;
    OperationRecord.countAttempt(segment, offset);
    const { retry, queue, failures } = this.parts;
    const attempts = OperationRecord.attempts(segment, offset);
    const command = OperationRecord.command(segment, offset);
    if (retryAfter === NEVER_AGAIN || !retry.isDue(lane === LaneId.Sync, command, code, attempts)) {
      return false;
    }
    this.retries++;
    const wait = retry.backoff(attempts, retryAfter);
    const thrown = error();
    failures.retried(() => this.#attempt(lane, segment, offset, code, thrown), wait);
    const until = time + wait;
    const id = queue.idOf(lane, segment, offset);
    this.attempts.failed(id, { attempt: attempts, at: time, until, code, error: thrown });
    queue.park(part, lane, segment, offset, until, "retrying");
    this.parts.parked();
    return true;
  }

  /** The last attempt has failed. */
  #fail(
    lane: LaneId,
    segment: Segment,
    offset: number,
    code: number,
    error: () => DeadLetter["error"],
    time: number,
  ): void {
    const isCancelled = OperationRecord.isCancelled(segment, offset);
    if (isCancelled) this.cancelled++;
    else {
      const command = this.commands.of(OperationRecord.command(segment, offset));
      this.failed++;
      command.failed++;
      if (isMistake(code)) {
        this.refused++;
        command.refused++;
      }
      if (lane === LaneId.Sync) {
        this.parts.failures.told(code, () => this.#attempt(lane, segment, offset, code, error()));
      }
    }
    if (!isCancelled || lane === LaneId.Sync) this.#bury(lane, segment, offset, code, error, time);
    this.endings.failed(lane, segment, offset, isCancelled ? "cancelled" : "failed", code, error, time);
  }

  /** What the log says of an attempt that has failed. */
  #attempt(
    lane: LaneId,
    segment: Segment,
    offset: number,
    code: number | null,
    error: DeadLetter["error"],
  ): FailedAttempt {
    const { queue, nameOf } = this.parts;
    const operation = queue.idOf(lane, segment, offset);
    return {
      operation,
      operationId: nameOf(operation, OperationRecord.acceptedAt(segment, offset)),
      command: OperationRecord.command(segment, offset),
      attempt: OperationRecord.isCancelled(segment, offset) ? 0 : OperationRecord.attempts(segment, offset),
      code,
      error,
    };
  }

  /** Keeps it as a dead letter where somebody was told that it is queued. */
  #bury(
    lane: LaneId,
    segment: Segment,
    offset: number,
    code: number | null,
    error: () => DeadLetter["error"],
    failedAt: number,
  ): void {
    const { dead, failures } = this.parts;
    if (!this.endings.isPromised(lane, segment, offset)) return;
    const at = OperationRecord.contentAt(offset);
    const attempt = this.#attempt(lane, segment, offset, code, error());
    const isKept = dead.keep({
      id: attempt.operation,
      command: attempt.command,
      encoding: OperationRecord.encoding(segment, offset),
      attempts: attempt.attempt,
      acceptedAt: OperationRecord.acceptedAt(segment, offset),
      failedAt,
      code,
      content: segment.bytes.slice(at, at + OperationRecord.contentLength(segment, offset)),
      error: attempt.error,
    });
    failures.buried(isKept, () => attempt);
  }

  /** Tells those who wait for an operation with the same key what it was answered. */
  #share(
    lane: LaneId,
    segment: Segment,
    offset: number,
    { code, encoding, at, length }: ReplyView,
    bytes: Uint8Array,
    time: number,
  ): void {
    const { queue, dedup } = this.parts;
    const id = queue.idOf(lane, segment, offset);
    const content = bytes.slice(at, at + length);
    const waiters = code >= ReplyCode.Ok ? dedup.settle(id, code, encoding, content, time) : dedup.drop(id);
    for (const waiter of waiters) this.parts.events.share(waiter, code, encoding, content);
  }

  /** Tells the callers of an operation that ends without a reply of the plugin. */
  #tell(lane: LaneId, segment: Segment, offset: number, code: number, message: string): void {
    const { events, dedup, queue } = this.parts;
    if (lane === LaneId.Sync) events.fail(OperationRecord.addressee(segment, offset), code, message);
    if (dedup.pending === 0 || !OperationRecord.isKeyed(segment, offset)) return;
    for (const waiter of dedup.drop(queue.idOf(lane, segment, offset))) events.fail(waiter, code, message);
  }
}
