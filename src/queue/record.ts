import type { Segment } from "./segment.ts";

/**
 * An operation as it lies in a segment, in the machine's byte order, padded to 8 bytes:
 *
 * ```
 * 0              4         6          7       8                 16           20           24           28
 * | record bytes | command | encoding | 0 | accepted at, ms | route slot | route gen. | request id | length | content
 *   4              2         1          1   8, float           4            4            4            4
 * ```
 */
export const RECORD_HEADER_BYTES = 32;

/** What the router knows of an operation when it accepts it. Reused from one to the next. */
export interface Operation {
  command: number;
  /** The encoding of the content; an `Encoding` of the protocol. */
  encoding: number;
  /** Monotonic, in ms. */
  acceptedAt: number;
  /** Whom to answer, where it is a sync operation. */
  routeSlot: number;
  routeGeneration: number;
  requestId: number;
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
  const offset = segment.used;
  const word = offset >>> 2;
  const { words, bytes } = segment;
  const size = recordBytes(length);
  words[word] = size;
  words[word + 1] = operation.command | (operation.encoding << 16);
  segment.floats[(offset >>> 3) + 1] = operation.acceptedAt;
  words[word + 4] = operation.routeSlot;
  words[word + 5] = operation.routeGeneration;
  words[word + 6] = operation.requestId;
  words[word + 7] = length;
  copyBytes(source, at, length, bytes, offset + RECORD_HEADER_BYTES);
  segment.used = offset + size;
  segment.live++;
  return offset;
}

/** Below this a loop beats the call into the engine that `set(subarray)` makes, in bytes. */
const LOOP_BYTES = 32;

/** Copies bytes between arrays without an allocation for short pieces. */
export function copyBytes(from: Uint8Array, at: number, length: number, to: Uint8Array, start: number): void {
  if (length > LOOP_BYTES) to.set(from.subarray(at, at + length), start);
  else for (let i = 0; i < length; i++) to[start + i] = from[at + i]!;
}

/** Reads the fields of records; all views are of the record at `offset` of `segment`. */
export const OperationRecord = {
  bytes: (segment: Segment, offset: number): number => segment.words[offset >>> 2]!,
  command: (segment: Segment, offset: number): number => segment.words[(offset >>> 2) + 1]! & 0xffff,
  encoding: (segment: Segment, offset: number): number => (segment.words[(offset >>> 2) + 1]! >>> 16) & 0xff,
  acceptedAt: (segment: Segment, offset: number): number => segment.floats[(offset >>> 3) + 1]!,
  routeSlot: (segment: Segment, offset: number): number => segment.words[(offset >>> 2) + 4]!,
  routeGeneration: (segment: Segment, offset: number): number => segment.words[(offset >>> 2) + 5]!,
  requestId: (segment: Segment, offset: number): number => segment.words[(offset >>> 2) + 6]!,
  contentLength: (segment: Segment, offset: number): number => segment.words[(offset >>> 2) + 7]!,
  contentAt: (offset: number): number => offset + RECORD_HEADER_BYTES,
} as const;
