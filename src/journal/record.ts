import type { Words } from "../protocol/copy_bytes.ts";
import {
  ACCEPTED_HEADER_BYTES,
  type AcceptedRecord,
  ATTEMPT_BYTES,
  BATCH_WORD,
  BODY_AT,
  BURIED_HEADER_BYTES,
  type BuriedRecord,
  CRC_AT,
  type DueState,
  ENDED_RUN_BYTES,
  ID_WORD,
  KEYED_FLAG,
  KIND_AT,
  padded,
  readFloat,
  readId,
  RECORD_HEADER_BYTES,
  RecordKind,
  REMEMBERED_HEADER_BYTES,
  type RememberedRecord,
  writeFloat,
} from "./record_layout.ts";

const decoder = new TextDecoder();

/** The fields of the record that lies at `at`, a multiple of 4, of `words`; {@link recordProblem} has found nothing wrong with it. */
export const JournalRecord = {
  length: ({ words }: Words, at: number): number => words[at >>> 2]!,
  /** With what fills up. */
  bytes: ({ words }: Words, at: number): number => padded(words[at >>> 2]!),
  crc: ({ words }: Words, at: number): number => words[(at + CRC_AT) >>> 2]!,
  setCrc({ words }: Words, at: number, crc: number): void {
    words[(at + CRC_AT) >>> 2] = crc;
  },
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
  [RecordKind.Ended]: RECORD_HEADER_BYTES + ENDED_RUN_BYTES,
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
