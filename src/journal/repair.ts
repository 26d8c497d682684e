import { Batch } from "./batch.ts";
import { FILE_HEADER_BYTES, fileName, numberOfFile, writeFileHeader } from "./file_header.ts";
import type { JournalError } from "./journal_error.ts";
import { type JournalFiles, uninterrupted, withFile, writeAll } from "./journal_files.ts";
import type { LogFile } from "./log.ts";
import { RECORD_HEADER_BYTES } from "./record_layout.ts";
import { blankWords } from "./record_reader.ts";
import { recover, type Recovery } from "./recovery.ts";
import { scanFile } from "./scan_file.ts";
import { writeClosed, writeReserved } from "./write_record.ts";

const BLOCK_BYTES = 2 ** 20;

/** A journal with all that can be read of it, and what cannot. */
export interface Inspection extends Recovery {
  readonly damages: readonly JournalError[];
}

/** Reads a journal past its damage; throws JournalError for a newer version, and what the system says. `now` in epoch ms. */
export function inspect(files: JournalFiles, folder: string, now: number): Inspection {
  const damages: JournalError[] = [];
  return { ...recover(files, folder, now, (error) => void damages.push(error)), damages };
}

/**
 * Makes a damaged journal one that opens: each damaged file is written anew with what can be read, files that are missing become
 * empty ones. What a damaged file was stays beside it under its name with `.damaged`; returns those paths. The folder's lock is
 * the caller's.
 */
export function repair(
  files: JournalFiles,
  folder: string,
  { damages, log, run, leftovers }: Inspection,
): string[] {
  const damaged = new Set(damages.map(({ path }) => path));
  const known = new Set([...log.files.map(({ path }) => path), ...leftovers]);
  const kept: string[] = [];
  for (const name of files.list(folder)) {
    const path = `${folder}/${name}`;
    if (numberOfFile(name) === null || known.has(path)) continue;
    uninterrupted(() => files.rename(path, `${path}.damaged`));
    kept.push(`${path}.damaged`);
  }
  const repairer = new Repairer(files, folder, run ?? "0".repeat(32), log.reserved);
  let next = log.files[0]?.number ?? 1;
  for (const [index, file] of log.files.entries()) {
    if (file.number > next) repairer.fill(next, file.number - 1, log.files[index - 1]?.end ?? 0);
    next = file.through + 1;
    if (!damaged.has(file.path)) continue;
    const follower = log.files[index + 1];
    kept.push(repairer.rewrite(file, follower === undefined));
  }
  uninterrupted(() => files.syncFolder(folder));
  return kept;
}

class Repairer {
  constructor(
    readonly files: JournalFiles,
    readonly folder: string,
    readonly run: string,
    readonly reserved: number,
  ) {}

  /** Writes an empty file in the place of those that are missing. */
  fill(number: number, through: number, committedBefore: number): void {
    const path = `${this.folder}/${fileName(number)}`;
    this.#write(path, { generation: 1, number, through, committedBefore }, () => {});
  }

  /** Writes a file anew with all its records that can be read; returns where the old one is. */
  rewrite(file: LogFile, isLast: boolean): string {
    const { path, seed, number, through, generation, committedBefore } = file;
    const kept = `${path}.damaged`;
    this.#copy(path, kept);
    this.#write(path, { generation: generation + 1, number, through, committedBefore }, (take) => {
      withFile(this.files, path, (open) => {
        const to = isLast ? open.size() : file.to;
        const source = {
          path,
          file: open,
          to,
          seed,
          mayBeTorn: isLast && generation === 0,
          isCompacted: generation > 0,
        };
        const batch = new Batch();
        const flush = () => {
          take(batch);
          batch.empty();
        };
        scanFile(source, blankWords(BLOCK_BYTES), (record, at) => {
          batch.add(record, at);
          if (batch.length >= BLOCK_BYTES) flush();
        }, () => {});
        flush();
      });
    });
    return kept;
  }

  #copy(from: string, to: string): void {
    withFile(this.files, from, (source) => {
      const target = uninterrupted(() => this.files.create(to));
      try {
        const block = new Uint8Array(BLOCK_BYTES);
        const size = source.size();
        for (let at = 0; at < size; at += block.length) {
          const length = uninterrupted(() => source.readAt(at, block));
          writeAll(target, at, block.subarray(0, length));
        }
        uninterrupted(() => target.syncData());
      } finally {
        target.close();
      }
    });
    uninterrupted(() => this.files.syncFolder(this.folder));
  }

  #write(
    path: string,
    header: Pick<LogFile, "generation" | "number" | "through" | "committedBefore">,
    fill: (take: (batch: Batch) => void) => void,
  ): void {
    const target = uninterrupted(() => this.files.create(`${path}.tmp`));
    try {
      const first = blankWords(FILE_HEADER_BYTES);
      const seed = writeFileHeader(first, { ...header, run: this.run, createdAt: 0 });
      writeAll(target, 0, first.bytes);
      let end = FILE_HEADER_BYTES;
      const take = (batch: Batch) => {
        batch.seal(FILE_HEADER_BYTES, seed);
        writeAll(target, end, batch.bytes.subarray(0, batch.length));
        end += batch.length;
      };
      take(bare((batch, at) => writeReserved(batch, at, this.reserved)));
      fill(take);
      take(bare(writeClosed));
      uninterrupted(() => target.syncData());
    } finally {
      target.close();
    }
    uninterrupted(() => this.files.rename(`${path}.tmp`, path));
    uninterrupted(() => this.files.syncFolder(this.folder));
  }
}

/** A batch of one record that is a header alone. */
function bare(write: (batch: Batch, at: number) => void): Batch {
  const batch = new Batch(RECORD_HEADER_BYTES);
  write(batch, batch.room(RECORD_HEADER_BYTES));
  batch.length = RECORD_HEADER_BYTES;
  return batch;
}
