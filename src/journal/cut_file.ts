import { type JournalFile, uninterrupted, writeAll } from "./journal_files.ts";

/** So much is overwritten with one call, in bytes. */
const ZEROS = new Uint8Array(256 * 1024);

/**
 * What lies behind `length` is not to be found by the next start, also where no further file can be begun: it is cut off,
 * or, where the system does not do that, overwritten with zeros, which needs no room; then the file is synced. A disk that does neither keeps it.
 */
export function cutFile(file: JournalFile, length: number): void {
  try {
    uninterrupted(() => file.truncate(length));
  } catch {
    quietly(() => {
      const end = file.size();
      for (let at = length; at < end; at += ZEROS.length) {
        writeAll(file, at, ZEROS.subarray(0, Math.min(ZEROS.length, end - at)));
      }
    });
  }
  quietly(() => file.syncData());
}

/** Does it where the system lets it. */
export function quietly(call: () => void): void {
  try {
    uninterrupted(call);
  } catch {
    // Nothing depends on it.
  }
}
