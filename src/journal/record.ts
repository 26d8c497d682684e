import { copyBytes, type Words } from "../protocol/copy_bytes.ts";

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
 * and begins with the CRC of the file's header: bytes of another file never pass. `batch` is where in its file the record's
 * batch begins: all before that was synced before the record was written. `due` is 0 where the operation need not wait; an error
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
const KIND_AT = 8;
const BATCH_WORD = 3;
const ID_WORD = 4;
/** ACCEPTED and BURIED. */
const BODY_AT = 44;
export const ACCEPTED_HEADER_BYTES = 48;
const ATTEMPT_BYTES = 40;
const BURIED_HEADER_BYTES = 52;
const REMEMBERED_HEADER_BYTES = 44;
export const ENDED_RUN_BYTES = 16;
const KEYED_FLAG = 1;
const TWO_TO_32 = 2 ** 32;

const float = new Float64Array(1);
const floatWords = new Uint32Array(float.buffer);
const encoder = new TextEncoder();
const decoder = new TextDecoder();

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

/** Bytes that the record of an operation with so much content takes. */
export function acceptedBytes(contentLength: number): number {
  return padded(ACCEPTED_HEADER_BYTES + contentLength);
}

/** Writes an accepted operation at `at`, a multiple of 4; the target has room for {@link acceptedBytes} there. */
export function writeAccepted(
  to: Words,
  at: number,
  operation: AcceptedRecord,
  source: Uint8Array,
  from: number,
  length: number,
): void {
  const { id, command, keyed } = operation;
  begin(to, at, ACCEPTED_HEADER_BYTES + length, RecordKind.Accepted, keyed ? KEYED_FLAG : 0, command, id);
  writeFloat(to.words, (at + 24) >>> 2, operation.acceptedAt);
  writeFloat(to.words, (at + 32) >>> 2, operation.due);
  to.words[(at + 40) >>> 2] = operation.delay;
  to.words[(at + BODY_AT) >>> 2] = operation.encoding | (operation.hops << 8) | (operation.attempts << 16) |
    (operation.state << 24);
  copyBytes(source, from, length, to.bytes, at + ACCEPTED_HEADER_BYTES);
}

/** Bytes that an attempt's record takes. */
export function attemptBytes(): number {
  return ATTEMPT_BYTES;
}

/** Writes that an operation waits after so many attempts; `due` in epoch ms, 0 where it is to go on at once. */
export function writeAttempt(
  to: Words,
  at: number,
  id: number,
  attempts: number,
  due: number,
  state: DueState,
): void {
  begin(to, at, ATTEMPT_BYTES, RecordKind.Attempt, 0, 0, id);
  writeFloat(to.words, (at + 24) >>> 2, due);
  to.words[(at + 32) >>> 2] = attempts | (state << 8);
  to.words[(at + 36) >>> 2] = 0;
}

/** A dead letter's error, as bytes: what {@link buriedBytes} and {@link writeBuried} are given. */
export function errorBytes({ error }: Pick<BuriedRecord, "error">): Uint8Array {
  return typeof error === "string" ? encoder.encode(error) : error.content;
}

/** Bytes that a dead letter's record takes. */
export function buriedBytes({ content }: BuriedRecord, error: Uint8Array): number {
  return padded(BURIED_HEADER_BYTES + error.length + content.length);
}

/** Writes a dead letter; `error` is its {@link errorBytes}. */
export function writeBuried(to: Words, at: number, letter: BuriedRecord, error: Uint8Array): void {
  const { content } = letter;
  const length = BURIED_HEADER_BYTES + error.length + content.length;
  begin(to, at, length, RecordKind.Buried, 0, letter.command, letter.id);
  writeFloat(to.words, (at + 24) >>> 2, letter.acceptedAt);
  writeFloat(to.words, (at + 32) >>> 2, letter.failedAt);
  to.words[(at + 40) >>> 2] = letter.code ?? 0;
  const errorEncoding = typeof letter.error === "string" ? 0 : letter.error.encoding;
  to.words[(at + BODY_AT) >>> 2] = letter.encoding | (errorEncoding << 8) | (letter.attempts << 16);
  to.words[(at + 48) >>> 2] = error.length;
  to.bytes.set(error, at + BURIED_HEADER_BYTES);
  to.bytes.set(content, at + BURIED_HEADER_BYTES + error.length);
}

/** A key as bytes: what {@link rememberedBytes} and {@link writeRemembered} are given. */
export function keyBytes({ key }: Pick<RememberedRecord, "key">): Uint8Array {
  return encoder.encode(key);
}

/** Bytes that a remembered reply's record takes. */
export function rememberedBytes({ content }: RememberedRecord, key: Uint8Array): number {
  return padded(REMEMBERED_HEADER_BYTES + key.length + content.length);
}

/** Writes a remembered reply, which is its operation's end, too; `key` is its {@link keyBytes}. */
export function writeRemembered(to: Words, at: number, reply: RememberedRecord, key: Uint8Array): void {
  const { content } = reply;
  const length = REMEMBERED_HEADER_BYTES + key.length + content.length;
  begin(to, at, length, RecordKind.Remembered, 0, 0, reply.id);
  writeFloat(to.words, (at + 24) >>> 2, reply.until);
  to.words[(at + 32) >>> 2] = reply.code;
  to.words[(at + 36) >>> 2] = reply.encoding;
  to.words[(at + 40) >>> 2] = key.length;
  to.bytes.set(key, at + REMEMBERED_HEADER_BYTES);
  to.bytes.set(content, at + REMEMBERED_HEADER_BYTES + key.length);
}

/** Bytes that a record of so many runs takes. */
export function endedBytes(runs: number): number {
  return RECORD_HEADER_BYTES + runs * ENDED_RUN_BYTES;
}

/** Writes that operations have ended, or that dead letters and replies are kept no more. */
export function writeEnded(to: Words, at: number, runs: readonly IdRun[]): void {
  begin(to, at, endedBytes(runs.length), RecordKind.Ended, 0, 0, runs[0]?.first ?? 0);
  for (const [index, { first, count }] of runs.entries()) {
    const word = (at + RECORD_HEADER_BYTES + index * ENDED_RUN_BYTES) >>> 2;
    writeId(to.words, word, first);
    to.words[word + 2] = count;
    to.words[word + 3] = 0;
  }
}

/** Bytes that the records RESERVED and CLOSED take. */
export function bareBytes(): number {
  return RECORD_HEADER_BYTES;
}

/** Writes the highest id that may be given out. */
export function writeReserved(to: Words, at: number, upTo: number): void {
  begin(to, at, RECORD_HEADER_BYTES, RecordKind.Reserved, 0, 0, upTo);
}

/** Writes a file's last record. */
export function writeClosed(to: Words, at: number): void {
  begin(to, at, RECORD_HEADER_BYTES, RecordKind.Closed, 0, 0, 0);
}

/** Writes where in its file a record's batch begins. */
export function setBatch({ words }: Words, at: number, batch: number): void {
  words[(at >>> 2) + BATCH_WORD] = batch;
}

/** Writes the header, and zeros where the content will not reach. */
function begin(
  { words, bytes }: Words,
  at: number,
  length: number,
  kind: RecordKind,
  flags: number,
  command: number,
  id: number,
): void {
  const word = at >>> 2;
  words[word] = length;
  words[word + 1] = 0;
  words[word + 2] = kind | (flags << 8) | (command << 16);
  words[word + BATCH_WORD] = 0;
  writeId(words, word + ID_WORD, id);
  for (let fill = length; fill < padded(length); fill++) bytes[at + fill] = 0;
}

function writeId(words: Uint32Array, word: number, id: number): void {
  words[word] = id;
  words[word + 1] = id / TWO_TO_32;
}

function readId(words: Uint32Array, word: number): number {
  return words[word + 1]! * TWO_TO_32 + words[word]!;
}

function writeFloat(words: Uint32Array, word: number, value: number): void {
  float[0] = value;
  words[word] = floatWords[0]!;
  words[word + 1] = floatWords[1]!;
}

function readFloat(words: Uint32Array, word: number): number {
  floatWords[0] = words[word]!;
  floatWords[1] = words[word + 1]!;
  return float[0]!;
}

/** The fields of the record that lies at `at`, a multiple of 4, of `words`; {@link recordProblem} has found nothing wrong with it. */
export const JournalRecord = {
  length: ({ words }: Words, at: number): number => words[at >>> 2]!,
  /** With what fills up. */
  bytes: ({ words }: Words, at: number): number => padded(words[at >>> 2]!),
  crc: ({ words }: Words, at: number): number => words[(at + CRC_AT) >>> 2]!,
  kind: ({ bytes }: Words, at: number): number => bytes[at + KIND_AT]!,
  batch: ({ words }: Words, at: number): number => words[(at >>> 2) + BATCH_WORD]!,
  id: ({ words }: Words, at: number): number => readId(words, (at >>> 2) + ID_WORD),

  /** Of an ACCEPTED record; into `operation`, which is reused. */
  accepted(record: Words, at: number, operation: AcceptedRecord): AcceptedRecord {
    const { words } = record;
    const body = words[(at + BODY_AT) >>> 2]!;
    operation.id = JournalRecord.id(record, at);
    operation.command = words[(at + KIND_AT) >>> 2]! >>> 16;
    operation.keyed = JournalRecord.isKeyed(record, at);
    operation.acceptedAt = readFloat(words, (at + 24) >>> 2);
    operation.due = JournalRecord.due(record, at);
    operation.delay = words[(at + 40) >>> 2]!;
    operation.encoding = body & 0xff;
    operation.hops = (body >>> 8) & 0xff;
    operation.attempts = (body >>> 16) & 0xff;
    operation.state = (body >>> 24) as DueState;
    return operation;
  },
  /** Of an ACCEPTED record. */
  isKeyed: ({ bytes }: Words, at: number): boolean => (bytes[at + KIND_AT + 1]! & KEYED_FLAG) !== 0,
  contentAt: (at: number): number => at + ACCEPTED_HEADER_BYTES,
  contentLength: ({ words }: Words, at: number): number => words[at >>> 2]! - ACCEPTED_HEADER_BYTES,
  /** Of an ACCEPTED record or an ATTEMPT. */
  due(record: Words, at: number): number {
    const isAttempt = JournalRecord.kind(record, at) === RecordKind.Attempt;
    return readFloat(record.words, (at + (isAttempt ? 24 : 32)) >>> 2);
  },
  attempts(record: Words, at: number): number {
    const isAttempt = JournalRecord.kind(record, at) === RecordKind.Attempt;
    return record.bytes[at + (isAttempt ? 32 : BODY_AT + 2)]!;
  },
  state(record: Words, at: number): DueState {
    const isAttempt = JournalRecord.kind(record, at) === RecordKind.Attempt;
    return record.bytes[at + (isAttempt ? 33 : BODY_AT + 3)]! as DueState;
  },
  /** Writes what the last ATTEMPT has said into the operation's own record. */
  foldAttempt({ words, bytes }: Words, at: number, attempts: number, due: number, state: DueState): void {
    writeFloat(words, (at + 32) >>> 2, due);
    bytes[at + BODY_AT + 2] = attempts;
    bytes[at + BODY_AT + 3] = state;
  },

  /** Of a BURIED record; a copy. */
  buried(record: Words, at: number): BuriedRecord {
    const { words, bytes } = record;
    const body = words[(at + BODY_AT) >>> 2]!;
    const code = words[(at + 40) >>> 2]!;
    const errorAt = at + BURIED_HEADER_BYTES;
    const contentAt = errorAt + words[(at + 48) >>> 2]!;
    const error = bytes.slice(errorAt, contentAt);
    const errorEncoding = (body >>> 8) & 0xff;
    return {
      id: JournalRecord.id(record, at),
      command: words[(at + KIND_AT) >>> 2]! >>> 16,
      encoding: body & 0xff,
      attempts: (body >>> 16) & 0xff,
      acceptedAt: readFloat(words, (at + 24) >>> 2),
      failedAt: readFloat(words, (at + 32) >>> 2),
      code: code === 0 ? null : code,
      error: errorEncoding === 0 ? decoder.decode(error) : { encoding: errorEncoding, content: error },
      content: bytes.slice(contentAt, at + words[at >>> 2]!),
    };
  },

  /** Of a REMEMBERED record; a copy. */
  remembered(record: Words, at: number): RememberedRecord {
    const { words, bytes } = record;
    const contentAt = at + REMEMBERED_HEADER_BYTES + words[(at + 40) >>> 2]!;
    return {
      id: JournalRecord.id(record, at),
      key: decoder.decode(bytes.slice(at + REMEMBERED_HEADER_BYTES, contentAt)),
      code: words[(at + 32) >>> 2]!,
      encoding: words[(at + 36) >>> 2]! & 0xff,
      until: JournalRecord.until(record, at),
      content: bytes.slice(contentAt, at + words[at >>> 2]!),
    };
  },
  /** Of a REMEMBERED record, in epoch ms. */
  until: ({ words }: Words, at: number): number => readFloat(words, (at + 24) >>> 2),

  /** How many runs of ids an ENDED record has. */
  runs: ({ words }: Words, at: number): number => (words[at >>> 2]! - RECORD_HEADER_BYTES) / ENDED_RUN_BYTES,
  runFirst: ({ words }: Words, at: number, run: number): number =>
    readId(words, (at + RECORD_HEADER_BYTES + run * ENDED_RUN_BYTES) >>> 2),
  runCount: ({ words }: Words, at: number, run: number): number =>
    words[((at + RECORD_HEADER_BYTES + run * ENDED_RUN_BYTES) >>> 2) + 2]!,
} as const;

/** The shortest length that a record of each kind has. */
const SHORTEST: { readonly [kind: number]: number | undefined } = {
  [RecordKind.Accepted]: ACCEPTED_HEADER_BYTES,
  [RecordKind.Attempt]: ATTEMPT_BYTES,
  [RecordKind.Buried]: BURIED_HEADER_BYTES,
  [RecordKind.Remembered]: REMEMBERED_HEADER_BYTES,
  [RecordKind.Ended]: endedBytes(1),
  [RecordKind.Reserved]: RECORD_HEADER_BYTES,
  [RecordKind.Closed]: RECORD_HEADER_BYTES,
};

/**
 * What keeps the bytes at `at` from being a record of a known kind, of which `available` bytes are there; null where nothing does.
 * The CRC is not looked at.
 */
export function recordProblem(record: Words, at: number, available: number): string | null {
  if (available < RECORD_HEADER_BYTES) return "the record's header is cut off";
  const length = JournalRecord.length(record, at);
  if (length < RECORD_HEADER_BYTES) return `a record cannot be ${length} bytes long`;
  if (length > available || padded(length) > available) return `the record of ${length} bytes is cut off`;
  const kind = JournalRecord.kind(record, at);
  const shortest = SHORTEST[kind];
  if (shortest === undefined) return `there is no record of kind ${kind}`;
  if (length < shortest) return `a record of kind ${kind} cannot be ${length} bytes long`;
  return innerProblem(record, at, length, kind);
}

/** The lengths within a record that is long enough for its header. */
function innerProblem(record: Words, at: number, length: number, kind: number): string | null {
  const { words } = record;
  let inner = 0;
  if (kind === RecordKind.Buried) inner = BURIED_HEADER_BYTES + words[(at + 48) >>> 2]!;
  else if (kind === RecordKind.Remembered) inner = REMEMBERED_HEADER_BYTES + words[(at + 40) >>> 2]!;
  else if (kind === RecordKind.Ended && (length - RECORD_HEADER_BYTES) % ENDED_RUN_BYTES !== 0) {
    return `a record of kind ${kind} cannot be ${length} bytes long`;
  }
  return inner > length ? `a text in the record is longer than the record` : null;
}
