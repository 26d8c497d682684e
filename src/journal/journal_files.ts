/** An open file of a journal. All calls block; they throw what the system says. */
export interface JournalFile {
  size(): number;
  /** Reads up to as many bytes as there is room for; fewer only at the file's end. */
  readAt(at: number, into: Uint8Array): number;
  /** Writes at least one byte and returns how many it were. */
  writeAt(at: number, bytes: Uint8Array): number;
  /** Returns when what was written, and the file's length, will outlive a loss of power. */
  syncData(): void;
  truncate(length: number): void;
  close(): void;
}

/** What a journal asks of the file system; tests have one that fails, and forgets what was not synced. */
export interface JournalFiles {
  /** The names in a folder. */
  list(folder: string): string[];
  /** Makes a folder, mode 0700, and those above it, where it is not there. */
  makeFolder(folder: string): void;
  /** Makes a file, mode 0600, or empties it. */
  create(path: string): JournalFile;
  openToRead(path: string): JournalFile;
  rename(from: string, to: string): void;
  remove(path: string): void;
  /** Returns when the folder's entries will outlive a loss of power. */
  syncFolder(folder: string): void;
  /** What is left for this user, in bytes; null where the system does not tell. */
  freeBytes(folder: string): number | null;
  /** Keeps others from the lock of that path until it is given back; null where another has it. */
  lock(path: string): Disposable | null;
}

/** So often a call that a signal has interrupted is made again. */
const MAX_INTERRUPTIONS = 100;

/** Writes all of it, however many calls that takes. */
export function writeAll(file: JournalFile, at: number, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length;) {
    const rest = written === 0 ? bytes : bytes.subarray(written);
    const count = uninterrupted(() => file.writeAt(at + written, rest));
    if (count === 0) throw new Error("the system writes nothing and does not say why");
    written += count;
  }
}

/** Opens a file to read it, and closes it. */
export function withFile<T>(files: JournalFiles, path: string, read: (file: JournalFile) => T): T {
  const file = uninterrupted(() => files.openToRead(path));
  try {
    return read(file);
  } finally {
    file.close();
  }
}

/** Makes a call again that a signal has interrupted. */
export function uninterrupted<T>(call: () => T): T {
  for (let tries = 1;; tries++) {
    try {
      return call();
    } catch (error) {
      if (tries === MAX_INTERRUPTIONS || !isInterruption(error)) throw error;
    }
  }
}

function isInterruption(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EINTR";
}
