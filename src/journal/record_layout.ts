/**
 * A record of the journal, as it lies in a file and, without its CRC and `batch`, in the ring on the way there. Integers are
 * little-endian, times are epoch milliseconds:
 *
 * ```
 * 0        4        8      9       10        12      16   24
 * | length | crc32c | kind | flags | command | batch | id | fields and content, by kind | 0 … up to a multiple of 8 |
 *   4        4        1      1       2         4       8
 *
 *            24            32         40      44         45     46         47      48
 * ACCEPTED   | accepted at | due      | delay | encoding | hops | attempts | state | content
 *              8, float      8, float   4       1          1      1          1
 *            24            32         33      34
 * ATTEMPT    | due         | attempts | state | 0 … 40
 *            24            32          40     44         45               46         47  48             52
 * BURIED     | accepted at | failed at | code | encoding | error encoding | attempts | 0 | error length | error | content
 *            24            32     36             40           44
 * REMEMBERED | until       | code | encoding, 0  | key length | key | content
 *            24            32      36  40
 * ENDED      | first id    | count | 0 | … further runs of ids
 * RESERVED   the id is the highest that may be given out
 * CLOSED     nothing follows in the file, and all of it was synced
 * ```
 *
 * `length` counts from itself to the end of the content, without what fills up. The CRC covers all but itself, what fills up, too,
 * and begins with the CRC of the file's header: bytes of another file never pass. `batch` is up to where the file was synced
 * before the record was written: what is damaged there had been promised, what is torn behind it had not. `due` is 0 where the operation need not wait; an error
 * encoding of 0 is a sentence, a code of 0 none.
 */
export const RECORD_HEADER_BYTES = 24;

/** The kinds of records. For each id the last one counts. */
export const RecordKind = {
  Accepted: 1,
  Attempt: 2,
  Buried: 3,
  Remembered: 4,
  Ended: 5,
  Reserved: 6,
  Closed: 7,
} as const;
export type RecordKind = typeof RecordKind[keyof typeof RecordKind];

/** Why an operation waits for its time. */
export const DueState = { Delayed: 0, Retrying: 1, Postponed: 2 } as const;
export type DueState = typeof DueState[keyof typeof DueState];

export const CRC_AT = 4;
export const KIND_AT = 8;
export const BATCH_WORD = 3;
export const ID_WORD = 4;
/** ACCEPTED and BURIED. */
export const BODY_AT = 44;
export const ACCEPTED_HEADER_BYTES = 48;
export const ATTEMPT_BYTES = 40;
export const BURIED_HEADER_BYTES = 52;
export const REMEMBERED_HEADER_BYTES = 44;
export const ENDED_RUN_BYTES = 16;
export const KEYED_FLAG = 1;
const TWO_TO_32 = 2 ** 32;

const float = new Float64Array(1);
const floatWords = new Uint32Array(float.buffer);

/** What the journal keeps of an accepted operation. Reused from one to the next. */
export interface AcceptedRecord {
  id: number;
  command: number;
  /** The encoding of the content; an `Encoding` of the protocol. */
  encoding: number;
  /** Calls of plugins that have led to it. */
  hops: number;
  /** It has a key by which duplicates are known. */
  keyed: boolean;
  /** Attempts that have ended. */
  attempts: number;
  /** Epoch ms. */
  acceptedAt: number;
  /** What its caller asked for, in ms. */
  delay: number;
  /** Epoch ms; 0 where it need not wait. */
  due: number;
  state: DueState;
}

/** An operation that has failed for good. Times are epoch ms. */
export interface BuriedRecord {
  readonly id: number;
  readonly command: number;
  readonly encoding: number;
  readonly attempts: number;
  readonly acceptedAt: number;
  readonly failedAt: number;
  /** Null where it has failed without a reply. */
  readonly code: number | null;
  readonly error: string | { readonly encoding: number; readonly content: Uint8Array };
  readonly content: Uint8Array;
}

/** The reply of an operation with a key. */
export interface RememberedRecord {
  readonly id: number;
  readonly key: string;
  readonly code: number;
  /** 0 is a bare code. */
  readonly encoding: number;
  /** Epoch ms. */
  readonly until: number;
  readonly content: Uint8Array;
}

/** Ids that follow each other. */
export interface IdRun {
  readonly first: number;
  readonly count: number;
}

/** Bytes that a record of that length takes. */
export function padded(length: number): number {
  return (length + 7) & ~7;
}

export function writeId(words: Uint32Array, word: number, id: number): void {
  words[word] = id;
  words[word + 1] = id / TWO_TO_32;
}

export function readId(words: Uint32Array, word: number): number {
  return words[word + 1]! * TWO_TO_32 + words[word]!;
}

export function writeFloat(words: Uint32Array, word: number, value: number): void {
  float[0] = value;
  words[word] = floatWords[0]!;
  words[word + 1] = floatWords[1]!;
}

export function readFloat(words: Uint32Array, word: number): number {
  floatWords[0] = words[word]!;
  floatWords[1] = words[word + 1]!;
  return float[0]!;
}
