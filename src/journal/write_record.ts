import { copyBytes, type Words } from "../protocol/copy_bytes.ts";
import {
  ACCEPTED_HEADER_BYTES,
  type AcceptedRecord,
  ATTEMPT_BYTES,
  BATCH_WORD,
  BODY_AT,
  BURIED_HEADER_BYTES,
  type BuriedRecord,
  type DueState,
  ENDED_RUN_BYTES,
  ID_WORD,
  type IdRun,
  KEYED_FLAG,
  padded,
  RECORD_HEADER_BYTES,
  RecordKind,
  REMEMBERED_HEADER_BYTES,
  type RememberedRecord,
  writeFloat,
  writeId,
} from "./record_layout.ts";

const encoder = new TextEncoder();

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
