import type { Encoding } from "../protocol/body.ts";
import { copyBytes, copyWords } from "../protocol/copy_bytes.ts";
import { OperationRecord } from "../queue/record.ts";
import type { Segment } from "../queue/segment.ts";
import { type RingMemory, RingReader, type RingWriter } from "./ring.ts";

/**
 * An operation on its way to a worker; words in the machine's byte order:
 *
 * ```
 * 0      4          8         10         11     12      16        20            24
 * | slot | sequence | command | encoding | kind | claim | id, low | accepted, s | content |
 * ```
 *
 * `kind` is in its lowest bit whether the operation is sync, and above that how many calls of plugins have led to it. `slot`
 * and `sequence` name the operation among those the worker holds; the reply gives them back. `claim` is 0 until
 * either side has taken the operation: the worker to run it, or the main thread to give it to another worker.
 */
const OPERATION_HEADER_BYTES = 24;
const CLAIM_WORD = 3;
const UNCLAIMED = 0;
const CLAIMED = 1;

/**
 * A reply on its way back; encoding 0 is a bare code. `retry after` is the plugin's wish for the next attempt of what has
 * failed; `later` is 1 where this was no attempt, for the operation has not begun:
 *
 * ```
 * 0      4          8      12           16               17            20
 * | slot | sequence | code | run time   | encoding later | retry after | content |
 *                            4, in µs     7 bits   1 bit   3, in ms
 * ```
 */
const REPLY_HEADER_BYTES = 20;
const ENCODING_MASK = 0x7f;
const LATER_BIT = 0x80;
/** In place of the time before the next attempt: there is to be none. */
export const NEVER_AGAIN = 0xffffff;

/** Bytes that a record of the rings needs beside its content. */
export const HANDOFF_OVERHEAD_BYTES = Math.max(OPERATION_HEADER_BYTES, REPLY_HEADER_BYTES);

/**
 * Writes the operation whose record lies at `offset`; false where the ring has no room for it now.
 *
 * @param zero what the record's times count from, in ms of the time that the worker is told; 0 for what they are
 */
export function writeOperation(
  ring: RingWriter,
  slot: number,
  sequence: number,
  sync: boolean,
  segment: Segment,
  offset: number,
  zero = 0,
): boolean {
  const length = OperationRecord.contentLength(segment, offset);
  if (!ring.reserve(OPERATION_HEADER_BYTES + length)) return false;
  const word = ring.at >>> 2;
  ring.data[word] = slot;
  ring.data[word + 1] = sequence;
  const kind = (OperationRecord.hops(segment, offset) << 1) | (sync ? 1 : 0);
  ring.data[word + 2] = OperationRecord.command(segment, offset) |
    (OperationRecord.encoding(segment, offset) << 16) | (kind << 24);
  ring.data[word + CLAIM_WORD] = UNCLAIMED;
  ring.data[word + 4] = OperationRecord.idLow(segment, offset);
  ring.data[word + 5] = (OperationRecord.acceptedAt(segment, offset) + zero) / 1000;
  const at = OperationRecord.contentAt(offset);
  copyWords(segment, at, length, ring.records, ring.at + OPERATION_HEADER_BYTES);
  ring.commit(OPERATION_HEADER_BYTES + length);
  return true;
}

/**
 * Takes back an operation that was written at a position of the ring, on the writer's side; false where the worker has
 * taken it.
 */
export function takeBack(ring: RingWriter, position: number, at: number): boolean {
  // Given back by the reader, its bytes may be another record's; not given back, they are still its own.
  return ring.isUnread(position) &&
    Atomics.compareExchange(ring.data, (at >>> 2) + CLAIM_WORD, UNCLAIMED, CLAIMED) === UNCLAIMED;
}

/** Whether the worker has begun an operation that was written at a position of the ring; seen from the writer's side. */
export function isClaimed(ring: RingWriter, position: number, at: number): boolean {
  return !ring.isUnread(position) || Atomics.load(ring.data, (at >>> 2) + CLAIM_WORD) === CLAIMED;
}

/**
 * Takes back, on the reader's side of a link, all that the worker has not begun: pairs of slot and sequence. The room
 * of those records is given back when the worker passes them. It goes from the newest to the oldest, as the worker goes the other way meanwhile: what
 * comes back is younger than all that it begins.
 */
export function takeBackAll(memory: RingMemory): number[] {
  const ring = new RingReader(memory);
  const words: number[] = [];
  ring.rewind();
  while (ring.next()) words.push(ring.at >>> 2);
  const isTaken = (word: number) =>
    Atomics.compareExchange(ring.data, word + CLAIM_WORD, UNCLAIMED, CLAIMED) === UNCLAIMED;
  const taken = words.reverse().filter(isTaken);
  return taken.reverse().flatMap((word) => [ring.data[word]!, ring.data[word + 1]!]);
}

/** The command of the operation that the ring has found. */
export function commandAt(ring: RingReader): number {
  return ring.data[(ring.at >>> 2) + 2]! & 0xffff;
}

/** An operation as the worker finds it; one is reused for all. The content is a view into the ring. */
export class OperationView {
  slot = 0;
  sequence = 0;
  command = 0;
  encoding: Encoding = 1;
  sync = false;
  /** Calls of plugins that have led to it. */
  hops = 0;
  /** The low half of the operation's id, and when it was accepted, in s: together no other operation of the plugin has them. */
  idLow = 0;
  acceptedSecond = 0;
  /** Where the content lies in the ring's bytes; it is the worker's until the ring is released. */
  at = 0;
  length = 0;

  /** Takes the operation that the ring has found; false where the main thread has taken it back. */
  claim(ring: RingReader): boolean {
    const word = ring.at >>> 2;
    if (Atomics.compareExchange(ring.data, word + CLAIM_WORD, UNCLAIMED, CLAIMED) !== UNCLAIMED) return false;
    const kind = ring.data[word + 2]!;
    this.slot = ring.data[word]!;
    this.sequence = ring.data[word + 1]!;
    this.command = kind & 0xffff;
    this.encoding = ((kind >>> 16) & 0xff) as Encoding;
    this.sync = (kind & (1 << 24)) !== 0;
    this.hops = kind >>> 25;
    this.idLow = ring.data[word + 4]!;
    this.acceptedSecond = ring.data[word + 5]!;
    this.at = ring.at + OPERATION_HEADER_BYTES;
    this.length = ring.length - OPERATION_HEADER_BYTES;
    return true;
  }
}

/** Writes a reply, its content from a place in `source`; false where the ring has no room for it now. */
export function writeReplyRecord(
  ring: RingWriter,
  slot: number,
  sequence: number,
  code: number,
  runMicroseconds: number,
  encoding: number,
  retryAfter: number,
  later: boolean,
  source: Uint8Array | null,
  at: number,
  length: number,
): boolean {
  if (!ring.reserve(REPLY_HEADER_BYTES + length)) return false;
  const word = ring.at >>> 2;
  ring.data[word] = slot;
  ring.data[word + 1] = sequence;
  ring.data[word + 2] = code;
  ring.data[word + 3] = Math.min(runMicroseconds, 0xffffffff);
  ring.data[word + 4] = encoding | (later ? LATER_BIT : 0) | (retryAfter << 8);
  if (source !== null) copyBytes(source, at, length, ring.bytes, ring.at + REPLY_HEADER_BYTES);
  ring.commit(REPLY_HEADER_BYTES + length);
  return true;
}

/** A reply as the main thread finds it; one is reused for all. */
export class ReplyView {
  slot = 0;
  sequence = 0;
  code = 0;
  /** In µs. */
  runTime = 0;
  encoding = 0;
  /** What is to pass before the next attempt, in ms, or NEVER_AGAIN. */
  retryAfter = 0;
  /** It has not begun: this was no attempt. */
  later = false;
  /** Where the content lies in the ring's bytes. */
  at = 0;
  length = 0;

  /** False where the record is too short to be one. */
  read(ring: RingReader): boolean {
    if (ring.length < REPLY_HEADER_BYTES) return false;
    const word = ring.at >>> 2;
    this.slot = ring.data[word]!;
    this.sequence = ring.data[word + 1]!;
    this.code = ring.data[word + 2]!;
    this.runTime = ring.data[word + 3]!;
    const kind = ring.data[word + 4]!;
    this.encoding = kind & ENCODING_MASK;
    this.later = (kind & LATER_BIT) !== 0;
    this.retryAfter = kind >>> 8;
    this.at = ring.at + REPLY_HEADER_BYTES;
    this.length = ring.length - REPLY_HEADER_BYTES;
    return true;
  }
}
