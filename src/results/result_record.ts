import { copyBytes } from "../protocol/copy_bytes.ts";
import type { Segment } from "../queue/segment.ts";

/**
 * What an operation came to, as it lies in a segment, in the machine's byte order, padded to 8 bytes:
 *
 * ```
 * 0         4          8         10         11      12     16            24         32         36       40           48           56
 * | id, low | id, high | command | encoding | state | code | accepted at | ended at | attempts | length | retried as | retried at | content
 *   4         4          2         1          1       4      8, float      8, float   4          4        8, float     8, float
 * ```
 *
 * `code` 0 is no reply. `encoding` is that of the content, as of a reply: 0 for a bare code; or {@link SENTENCE}. `retried as` is
 * the operation that was made of its dead letter, 0 for none, and `retried at` when.
 */
export const RESULT_HEADER_BYTES = 56;

/** In place of an encoding: the content is the UTF-8 text that says why it has failed. */
export const SENTENCE = 0xfe;
/** In place of an encoding: the content was larger than all that is kept. */
export const TOO_LARGE = 0xff;

const TWO_TO_32 = 2 ** 32;

/** How operations end, by the number that stands for it. */
export const END_STATES = ["done", "failed", "cancelled", "expired"] as const;
export type EndState = typeof END_STATES[number];

/** What is known of an operation that has ended, beside its content. */
export interface Ending {
  readonly id: number;
  readonly command: number;
  readonly state: EndState;
  /** Of its last reply; 0 where there was none. */
  readonly code: number;
  /** Monotonic, in ms; NaN where that is not known. */
  readonly acceptedAt: number;
  readonly endedAt: number;
  /** Attempts that have ended. */
  readonly attempts: number;
}

/** The same, read back. */
export interface KeptResult extends Ending {
  /** An `Encoding`, 0 for a bare code, {@link SENTENCE}, or {@link TOO_LARGE}. */
  readonly encoding: number;
  /** A copy. */
  readonly content: Uint8Array;
  /** The operation that was made of its dead letter, and when that was accepted; null for none. */
  readonly retried: { readonly id: number; readonly acceptedAt: number } | null;
}

/** Bytes that a record with so much content takes. */
export function resultBytes(contentLength: number): number {
  return (RESULT_HEADER_BYTES + contentLength + 7) & ~7;
}

/** Writes a record at the end of a segment that has room for it. */
export function appendResult(
  segment: Segment,
  ending: Ending,
  encoding: number,
  source: Uint8Array,
  at: number,
  length: number,
): void {
  const offset = segment.used;
  const word = offset >>> 2;
  const float = offset >>> 3;
  const { words, floats, bytes } = segment;
  words[word] = ending.id;
  segment.note(words[word]!);
  words[word + 1] = ending.id / TWO_TO_32;
  words[word + 2] = ending.command | (encoding << 16) | (END_STATES.indexOf(ending.state) << 24);
  words[word + 3] = ending.code;
  floats[float + 2] = ending.acceptedAt;
  floats[float + 3] = ending.endedAt;
  words[word + 8] = ending.attempts;
  words[word + 9] = length;
  floats[float + 5] = 0;
  floats[float + 6] = 0;
  copyBytes(source, at, length, bytes, offset + RESULT_HEADER_BYTES);
  segment.used = offset + resultBytes(length);
}

/** The fields of records; all is of the record at `offset` of `segment`. */
export const ResultRecord = {
  bytes: ({ words }: Segment, offset: number): number => resultBytes(words[(offset >>> 2) + 9]!),
  idLow: ({ words }: Segment, offset: number): number => words[offset >>> 2]!,
  id: ({ words }: Segment, offset: number): number =>
    words[(offset >>> 2) + 1]! * TWO_TO_32 + words[offset >>> 2]!,
  endedAt: ({ floats }: Segment, offset: number): number => floats[(offset >>> 3) + 3]!,
  command: ({ words }: Segment, offset: number): number => words[(offset >>> 2) + 2]! & 0xffff,
  state: ({ words }: Segment, offset: number): EndState => END_STATES[words[(offset >>> 2) + 2]! >>> 24]!,
  acceptedAt: ({ floats }: Segment, offset: number): number => floats[(offset >>> 3) + 2]!,
  retry({ floats }: Segment, offset: number, as: number, acceptedAt: number): void {
    floats[(offset >>> 3) + 5] = as;
    floats[(offset >>> 3) + 6] = acceptedAt;
  },
  read(segment: Segment, offset: number): KeptResult {
    const { words, floats, bytes } = segment;
    const word = offset >>> 2;
    const float = offset >>> 3;
    const kind = words[word + 2]!;
    const at = offset + RESULT_HEADER_BYTES;
    return {
      id: ResultRecord.id(segment, offset),
      command: kind & 0xffff,
      encoding: (kind >>> 16) & 0xff,
      state: END_STATES[kind >>> 24]!,
      code: words[word + 3]!,
      acceptedAt: floats[float + 2]!,
      endedAt: floats[float + 3]!,
      attempts: words[word + 8]!,
      retried: floats[float + 5] === 0 ? null : { id: floats[float + 5]!, acceptedAt: floats[float + 6]! },
      // A copy that is no shared memory: texts are made of it.
      content: Uint8Array.from(bytes.subarray(at, at + words[word + 9]!)),
    };
  },
} as const;
