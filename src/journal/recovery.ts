import type { Words } from "../protocol/copy_bytes.ts";
import { Batch } from "./batch.ts";
import {
  FILE_HEADER_BYTES,
  type FileHeader,
  fileName,
  headerCrc,
  numberOfFile,
  readFileHeader,
  runOf,
} from "./file_header.ts";
import { damage, JournalError } from "./journal_error.ts";
import { type JournalFiles, uninterrupted, withFile } from "./journal_files.ts";
import { Log, type LogFile } from "./log.ts";
import { JournalRecord } from "./record.ts";
import { RECORD_HEADER_BYTES, RecordKind } from "./record_layout.ts";
import { blankWords, checkedProblem } from "./record_reader.ts";
import { type FileScan, scanFile, type TakeRecord } from "./scan_file.ts";

const BLOCK_BYTES = 2 ** 20;

/** A journal as it was found. */
export interface Recovery {
  readonly log: Log;
  /** Null where there is no file yet. */
  readonly run: string | null;
  readonly tail: FileScan["tail"];
  /** Records of the tail that are as they were written: they are written anew. */
  readonly salvaged: Batch;
  /** When operations are due that were accepted for a time to come; epoch ms. */
  readonly dues: ReadonlyMap<number, number>;
  /** Files of which compaction had made another one; they count no more. */
  readonly leftovers: readonly string[];
}

interface Headed {
  readonly path: string;
  readonly size: number;
  readonly header: FileHeader & { readonly crc: number };
}

/**
 * Reads all files of a journal; changes nothing. Throws JournalError, and what the system says.
 *
 * @param now epoch ms
 * @param onDamage throws, or has what lies behind the damage read
 */
export function recover(
  files: JournalFiles,
  folder: string,
  now: number,
  onDamage: (error: JournalError) => void = (error) => {
    throw error;
  },
): Recovery {
  const { leftovers, chain } = readHeaders(files, folder, onDamage);
  return { ...readAll(files, chain, now, onDamage), leftovers };
}

/** The files that count, the oldest first. */
function readHeaders(
  files: JournalFiles,
  folder: string,
  onDamage: (error: JournalError) => void,
): { readonly leftovers: string[]; readonly chain: Headed[] } {
  const leftovers: string[] = [];
  const chain: Headed[] = [];
  const names = files.list(folder);
  const numbers = names.map(numberOfFile).filter((each) => each !== null).sort((a, b) => a - b);
  for (const name of names) if (/\.journal\.(new|tmp)$/.test(name)) leftovers.push(`${folder}/${name}`);
  for (const number of numbers) {
    const path = `${folder}/${fileName(number)}`;
    const before = chain.at(-1);
    if (before !== undefined && number <= before.header.through) {
      leftovers.push(path);
      continue;
    }
    const each = readHeader(files, path, number, before, onDamage);
    if (each === null) continue;
    const missing = before === undefined ? number : before.header.through + 1;
    if (missing < number) onDamage(missingFiles(folder, missing, number - 1));
    chain.push(each);
  }
  return { leftovers, chain };
}

/** A file's header, or what can be told of a damaged one; null where the file is none of this journal. */
function readHeader(
  files: JournalFiles,
  path: string,
  number: number,
  before: Headed | undefined,
  onDamage: (error: JournalError) => void,
): Headed | null {
  return withFile(files, path, (file) => {
    const bytes = blankWords(FILE_HEADER_BYTES + RECORD_HEADER_BYTES);
    const length = uninterrupted(() => file.readAt(0, bytes.bytes));
    const size = file.size();
    try {
      const header = readFileHeader(bytes, length, path);
      if (header.number !== number) throw damage(path, 0, `it is file ${header.number} under another name`);
      if (before !== undefined && header.run !== before.header.run) {
        throw damage(path, 0, "it belongs to another journal than the file before it");
      }
      return { path, size, header };
    } catch (error) {
      if (!(error instanceof JournalError) || error.reason !== "damage") throw error;
      onDamage(error);
      const crc = guessedCrc(bytes, length);
      if (crc === null) return null;
      const run = before?.header.run ?? runOf(bytes);
      const rest = { generation: 0, number, through: number, createdAt: 0 };
      return { path, size, header: { ...rest, run, committedBefore: before?.size ?? 0, crc } };
    }
  });
}

/** The CRC that a damaged header had, which its first record knows; null where that one does not fit either. */
function guessedCrc(bytes: Words, length: number): number | null {
  const stored = bytes.words[2]!;
  const fits = (crc: number) =>
    checkedProblem(bytes, FILE_HEADER_BYTES, length - FILE_HEADER_BYTES, crc) === null;
  return [stored, headerCrc(bytes)].find(fits) ?? null;
}

function missingFiles(folder: string, first: number, last: number): JournalError {
  const what = first === last ? "it is missing" : `it and those up to ${fileName(last)} are missing`;
  return damage(`${folder}/${fileName(first)}`, 0, what);
}

function readAll(
  files: JournalFiles,
  chain: readonly Headed[],
  now: number,
  onDamage: (error: JournalError) => void,
): Omit<Recovery, "leftovers"> {
  const log = new Log();
  const dues = new Map<number, number>();
  const salvaged = new Batch();
  const buffer = blankWords(Math.min(BLOCK_BYTES, Math.max(0, ...chain.map(({ size }) => size))));
  let tail: FileScan["tail"] = null;
  for (const [index, { path, size, header }] of chain.entries()) {
    const next = chain[index + 1];
    const isCompacted = header.generation > 0;
    const follows = next !== undefined && next.header.number === header.through + 1;
    const to = isCompacted || !follows ? size : next.header.committedBefore;
    const entry: LogFile = {
      path,
      number: header.number,
      through: header.through,
      generation: header.generation,
      committedBefore: header.committedBefore,
      seed: header.crc,
      to,
      end: to,
      diskBytes: size,
      liveBytes: 0,
      lowest: Infinity,
      highest: 0,
      lastAccepted: 0,
      isSpecial: false,
      overhead: 0,
      records: 0,
    };
    log.add(entry);
    const take: TakeRecord = (record, at, _offset, isTorn) => {
      if (isTorn) return salvaged.add(record, at);
      if (JournalRecord.kind(record, at) === RecordKind.Accepted) {
        const due = JournalRecord.due(record, at);
        if (due > now) dues.set(JournalRecord.id(record, at), due);
      }
      log.apply(record, at, entry);
    };
    const mayBeTorn = next === undefined && !isCompacted;
    const scan = withFile(files, path, (file) => {
      return scanFile({ path, file, to, seed: header.crc, mayBeTorn, isCompacted }, buffer, take, onDamage);
    });
    entry.end = scan.end;
    tail ??= scan.tail;
  }
  log.sortReplies();
  log.expire(now);
  return { log, run: chain[0]?.header.run ?? null, tail, salvaged, dues };
}
