import { Batch } from "./batch.ts";
import { FILE_HEADER_BYTES, type FileHeader, fileName, numberOfFile, readFileHeader } from "./file_header.ts";
import { damage, type JournalError } from "./journal_error.ts";
import { type JournalFiles, uninterrupted, withFile } from "./journal_files.ts";
import { Log, type LogFile } from "./log.ts";
import { JournalRecord } from "./record.ts";
import { RecordKind } from "./record_layout.ts";
import { blankWords } from "./record_reader.ts";
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
    const each = readHeader(files, path);
    const wrong = chainProblem(each, number, before);
    if (wrong !== null) onDamage(damage(path, 0, wrong));
    chain.push(each);
  }
  return { leftovers, chain };
}

function readHeader(files: JournalFiles, path: string): Headed {
  return withFile(files, path, (file) => {
    const header = blankWords(FILE_HEADER_BYTES);
    const length = uninterrupted(() => file.readAt(0, header.bytes));
    return { path, size: file.size(), header: readFileHeader(header, length, path) };
  });
}

/** Why a file cannot be the one behind `before`. */
function chainProblem({ header }: Headed, number: number, before: Headed | undefined): string | null {
  if (header.number !== number) return `it is file ${header.number} under another name`;
  if (before === undefined) return null;
  if (header.run !== before.header.run) return "it belongs to another journal than the file before it";
  const missing = before.header.through + 1;
  if (missing === number) return null;
  return missing === number - 1
    ? `${fileName(missing)}, the file before it, is missing`
    : `${fileName(missing)} to ${fileName(number - 1)}, the files before it, are missing`;
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
