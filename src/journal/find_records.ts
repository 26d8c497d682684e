import type { Words } from "../protocol/copy_bytes.ts";
import { damage } from "./journal_error.ts";
import { JournalRecord, recordProblem } from "./record.ts";
import { RECORD_HEADER_BYTES, RecordKind } from "./record_layout.ts";
import { recordCrc } from "./record_reader.ts";

/** Contents may be made to look like records: checksums are computed over so many times the bytes that are searched. */
const MAX_CHECKED = 64;
const FREE_BYTES = 64 * 2 ** 20;

/** Records behind bytes that are none. */
export interface FoundRecords {
  /** Where each begins, in the bytes that were searched. */
  readonly at: readonly number[];
  /** Up to here the file was synced before the last of them was written; an offset in the file. */
  readonly synced: number;
}

/**
 * Looks at every place of `bytes` for records that are as they were written.
 *
 * @param base where the bytes begin in the file
 */
export function findRecords(
  bytes: Words,
  length: number,
  base: number,
  seed: number,
  path: string,
): FoundRecords {
  const found: number[] = [];
  let synced = 0;
  let budget = FREE_BYTES + MAX_CHECKED * length;
  for (let at = 0; at + RECORD_HEADER_BYTES <= length;) {
    if (!isLikely(bytes, at, length, base)) {
      at += 8;
      continue;
    }
    budget -= JournalRecord.bytes(bytes, at);
    if (budget < 0) {
      throw damage(path, base, "what follows looks like records in too many places to search it");
    }
    if (recordCrc(bytes, at, seed) !== JournalRecord.crc(bytes, at)) {
      at += 8;
      continue;
    }
    found.push(at);
    synced = Math.max(synced, JournalRecord.batch(bytes, at));
    at += JournalRecord.bytes(bytes, at);
  }
  return { at: found, synced };
}

function isLikely(bytes: Words, at: number, length: number, base: number): boolean {
  const kind = JournalRecord.kind(bytes, at);
  if (kind < RecordKind.Accepted || kind > RecordKind.Closed) return false;
  const batch = JournalRecord.batch(bytes, at);
  return batch <= base + at && batch % 8 === 0 && recordProblem(bytes, at, length - at) === null;
}
