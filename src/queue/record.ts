import { copyBytes, copyWords, type Words } from "../protocol/copy_bytes.ts";
import type { Segment } from "./segment.ts";

/**
 * An operation as it lies in a segment, in the machine's byte order, padded to 8 bytes. An async operation has nobody to
 * answer; it keeps the rest of its id and its delay there:
 *
 * ```
 * 0         4         6          7      8                 16           20           24           28
 * | id, low | command | encoding | life | accepted at, ms | route slot | route gen. | request id | length | content
 * |         |         |          |      |                 | id, high   | 0          | delay, ms  |
 *   4         2         1          1      8, float          4            4            4            4
 * ```
 *
 * `encoding` has in its upper five bits how many calls of plugins have led to the operation. `life` is the number of
 * attempts that have ended, and in the highest bit whether the operation has a key by which duplicates are known. A command of
 * 0 is an operation that was cancelled while it waited.
 */
export const RECORD_HEADER_BYTES = 32;

/** The most calls that may lead to an operation, one after the other. */
export const MAX_HOPS = 16;
const ENCODING_MASK = 0x7;
const HOPS_SHIFT = 19;
const HOPS_MASK = 0x1f;
const ATTEMPTS_MASK = 0x7f;
const KEYED_BIT = 0x80;
/** In place of the attempts: the operation was cancelled while it ran, and is not tried again. */
const CANCELLED = ATTEMPTS_MASK;
const TWO_TO_32 = 2 ** 32;

/** What the router knows of an operation when it accepts it. Reused from one to the next. */
export interface Operation {
  /** Given by the queue, counted up from 1. */
  id: number;
  command: number;
  /** The encoding of the content; an `Encoding` of the protocol. */
  encoding: number;
  /** Monotonic, in ms. */
  acceptedAt: number;
  sync: boolean;
  /** Whom to answer, where it is a sync operation. */
  routeSlot: number;
  routeGeneration: number;
  requestId: number;
  /** What its caller asked for, where it is an async operation; in ms. */
  delay: number;
  /** It has a key by which duplicates are known. */
  keyed: boolean;
  /** Calls of plugins that have led to it, at most {@link MAX_HOPS}. */
  hops: number;
  /** Attempts that have ended. */
  attempts: number;
}

/** An operation of which nothing is known yet. */
export function blankOperation(): Operation {
  return {
    id: 0,
    command: 0,
    encoding: 0,
    acceptedAt: 0,
    sync: false,
    routeSlot: 0,
    routeGeneration: 0,
    requestId: 0,
    delay: 0,
    keyed: false,
    hops: 0,
    attempts: 0,
  };
}

/** Whom to answer, and in what encoding. */
export interface Addressee {
  readonly routeSlot: number;
  readonly routeGeneration: number;
  readonly requestId: number;
  readonly encoding: number;
  /** It is an async caller, who wants to know the operation's id. */
  readonly wantsId?: boolean;
}

/** Bytes that a record with so much content takes. */
export function recordBytes(contentLength: number): number {
  return (RECORD_HEADER_BYTES + contentLength + 7) & ~7;
}

/** Writes a record at the end of a segment that has room for it and returns its offset. */
export function appendRecord(
  segment: Segment,
  operation: Operation,
  source: Uint8Array,
  at: number,
  length: number,
): number {
  const offset = appendHeader(segment, operation, length);
  copyBytes(source, at, length, segment.bytes, offset + RECORD_HEADER_BYTES);
  return offset;
}

/** The same with content that begins at a multiple of 4. */
export function appendAligned(
  segment: Segment,
  operation: Operation,
  source: Words,
  at: number,
  length: number,
): number {
  const offset = appendHeader(segment, operation, length);
  copyWords(source, at, length, segment, offset + RECORD_HEADER_BYTES);
  return offset;
}

/** Writes all but the content. */
function appendHeader(segment: Segment, operation: Operation, length: number): number {
  const offset = segment.used;
  const word = offset >>> 2;
  const { words } = segment;
  const life = operation.keyed ? operation.attempts | KEYED_BIT : operation.attempts;
  words[word] = operation.id;
  segment.note(words[word]!);
  words[word + 1] = operation.command | (operation.encoding << 16) | (operation.hops << HOPS_SHIFT) |
    (life << 24);
  segment.floats[(offset >>> 3) + 1] = operation.acceptedAt;
  if (operation.sync) {
    words[word + 4] = operation.routeSlot;
    words[word + 5] = operation.routeGeneration;
    words[word + 6] = operation.requestId;
  } else {
    words[word + 4] = operation.id / TWO_TO_32;
    words[word + 5] = 0;
    words[word + 6] = operation.delay;
  }
  words[word + 7] = length;
  segment.used = offset + recordBytes(length);
  segment.live++;
  return offset;
}

/** Writes a copy of a record at the end of a segment that has room for it and returns its offset. */
export function copyRecord(from: Segment, at: number, to: Segment): number {
  const offset = to.used;
  const size = OperationRecord.bytes(from, at);
  copyWords(from, at, size, to, offset);
  to.note(to.words[offset >>> 2]!);
  to.used = offset + size;
  to.live++;
  return offset;
}

/** The fields of records; all is of the record at `offset` of `segment`. */
export const OperationRecord = {
  bytes: (segment: Segment, offset: number): number => recordBytes(segment.words[(offset >>> 2) + 7]!),
  command: (segment: Segment, offset: number): number => segment.words[(offset >>> 2) + 1]! & 0xffff,
  encoding: (segment: Segment, offset: number): number =>
    (segment.words[(offset >>> 2) + 1]! >>> 16) & ENCODING_MASK,
  hops: (segment: Segment, offset: number): number =>
    (segment.words[(offset >>> 2) + 1]! >>> HOPS_SHIFT) & HOPS_MASK,
  acceptedAt: (segment: Segment, offset: number): number => segment.floats[(offset >>> 3) + 1]!,
  routeSlot: (segment: Segment, offset: number): number => segment.words[(offset >>> 2) + 4]!,
  routeGeneration: (segment: Segment, offset: number): number => segment.words[(offset >>> 2) + 5]!,
  requestId: (segment: Segment, offset: number): number => segment.words[(offset >>> 2) + 6]!,
  contentLength: (segment: Segment, offset: number): number => segment.words[(offset >>> 2) + 7]!,
  contentAt: (offset: number): number => offset + RECORD_HEADER_BYTES,

  /** The low half of the id; of a sync operation no more is kept. */
  idLow: (segment: Segment, offset: number): number => segment.words[offset >>> 2]!,
  asyncId: (segment: Segment, offset: number): number =>
    segment.words[(offset >>> 2) + 4]! * TWO_TO_32 + segment.words[offset >>> 2]!,
  /** The caller of a sync operation. */
  addressee: (segment: Segment, offset: number): Addressee => ({
    routeSlot: OperationRecord.routeSlot(segment, offset),
    routeGeneration: OperationRecord.routeGeneration(segment, offset),
    requestId: OperationRecord.requestId(segment, offset),
    encoding: OperationRecord.encoding(segment, offset),
  }),
  /** What an async operation's caller asked for, in ms. */
  delay: (segment: Segment, offset: number): number => segment.words[(offset >>> 2) + 6]!,
  /** Attempts that have ended. */
  attempts(segment: Segment, offset: number): number {
    return (segment.words[(offset >>> 2) + 1]! >>> 24) & ATTEMPTS_MASK;
  },
  isKeyed: (segment: Segment, offset: number): boolean =>
    (segment.words[(offset >>> 2) + 1]! >>> 24 & KEYED_BIT) !== 0,
  countAttempt(segment: Segment, offset: number): void {
    segment.words[(offset >>> 2) + 1]! += 1 << 24;
  },
  /** Cancelled while it ran. */
  isCancelled: (segment: Segment, offset: number): boolean =>
    OperationRecord.attempts(segment, offset) === CANCELLED,
  cancel(segment: Segment, offset: number): void {
    segment.words[(offset >>> 2) + 1]! |= CANCELLED << 24;
  },
  /** Cancelled while it waited: nothing but its room is left. */
  isRemoved: (segment: Segment, offset: number): boolean => OperationRecord.command(segment, offset) === 0,
  remove(segment: Segment, offset: number): void {
    segment.words[(offset >>> 2) + 1]! &= ~0xffff;
  },
} as const;
