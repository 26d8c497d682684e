import type { Words } from "../protocol/copy_bytes.ts";
import { FILE_HEADER_BYTES, newer } from "./file_header.ts";
import { findRecords } from "./find_records.ts";
import { damage, type JournalError } from "./journal_error.ts";
import { type JournalFile, uninterrupted } from "./journal_files.ts";
import { JournalRecord } from "./record.ts";
import { RecordKind } from "./record_layout.ts";
import { blankWords, RecordReader, UNKNOWN } from "./record_reader.ts";

/** A file that is to be read from its beginning to its end. */
export interface FileToScan {
  readonly path: string;
  readonly file: JournalFile;
  /** Up to here it counts. */
  readonly to: number;
  /** The CRC of its header. */
  readonly seed: number;
  /** It may end in what was being written when the server ended: it is the newest, and was not made by compaction. */
  readonly mayBeTorn: boolean;
  /** It was made by compaction: its last record says that it is whole. */
  readonly isCompacted: boolean;
}

/** What was found in a file. */
export interface FileScan {
  /** Where the last record that was read in order ends. */
  readonly end: number;
  /** What was being written when the server ended: it was never synced. Null where there is no such thing. */
  readonly tail: { readonly path: string; readonly offset: number; readonly bytes: number } | null;
}

/** What is done with each record; `isTorn`: it lies behind others of its batch that are not there. */
export type TakeRecord = (record: Words, at: number, offset: number, isTorn: boolean) => void;

/**
 * Reads a file's records. What cannot be read, and had been synced, is given to `onDamage`, which throws it, or has the
 * records behind it read.
 */
export function scanFile(
  source: FileToScan,
  buffer: Words,
  take: TakeRecord,
  onDamage: (error: JournalError) => void,
): FileScan {
  const { path, file, to, seed } = source;
  const reader = new RecordReader(file, FILE_HEADER_BYTES, to, seed, buffer);
  let last = 0;
  while (reader.next()) {
    last = JournalRecord.kind(reader.words, reader.at);
    take(reader.words, reader.at, reader.offset, false);
  }
  const end = reader.offset;
  const { problem } = reader;
  if (problem?.startsWith(UNKNOWN) === true) throw newer(path, end, problem);
  if (problem !== null) return afterProblem(source, end, problem, take, onDamage);
  if (end < to) onDamage(damage(path, end, `${to - end} bytes of it are missing`));
  else if (source.isCompacted && last !== RecordKind.Closed) {
    onDamage(damage(path, end, "its end is missing"));
  }
  return { end, tail: null };
}

/** Reads what lies behind bytes that are no record. */
function afterProblem(
  { path, file, to, seed, mayBeTorn }: FileToScan,
  end: number,
  problem: string,
  take: TakeRecord,
  onDamage: (error: JournalError) => void,
): FileScan {
  const rest = blankWords(to - end);
  const length = uninterrupted(() => file.readAt(end, rest.bytes.subarray(0, to - end)));
  const used = usedBytes(rest.bytes, length);
  if (used === 0 && mayBeTorn) return { end, tail: null };
  const found = findRecords(rest, length, end, seed, path);
  const isTorn = mayBeTorn && found.synced <= end;
  let behind = 0;
  for (const at of [...found.at, length]) {
    const isHole = at > behind && end + behind < (mayBeTorn ? Math.max(found.synced, end + 1) : to);
    if (isHole && !isTorn) {
      onDamage(damage(path, end + behind, behind === 0 ? problem : "no record begins there"));
    }
    if (at === length) break;
    take(rest, at, end + at, isTorn);
    behind = at + JournalRecord.bytes(rest, at);
  }
  return isTorn ? { end, tail: { path, offset: end, bytes: used } } : { end: end + behind, tail: null };
}

/** Up to where there is anything but zeros. */
function usedBytes(bytes: Uint8Array, length: number): number {
  let used = length;
  while (used > 0 && bytes[used - 1] === 0) used--;
  return used;
}
