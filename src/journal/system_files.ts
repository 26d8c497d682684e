import { statfsSync } from "node:fs";
import { dirname } from "node:path";
import type { JournalFile, JournalFiles } from "./journal_files.ts";

/** A file of the system. */
class SystemFile implements JournalFile {
  constructor(readonly file: Deno.FsFile) {}

  size(): number {
    return this.file.statSync().size;
  }

  readAt(at: number, into: Uint8Array): number {
    this.file.seekSync(at, Deno.SeekMode.Start);
    let read = 0;
    while (read < into.length) {
      const count = this.file.readSync(into.subarray(read));
      if (count === null || count === 0) break;
      read += count;
    }
    return read;
  }

  writeAt(at: number, bytes: Uint8Array): number {
    this.file.seekSync(at, Deno.SeekMode.Start);
    return this.file.writeSync(bytes);
  }

  syncData(): void {
    this.file.syncDataSync();
  }

  truncate(length: number): void {
    this.file.truncateSync(length);
  }

  close(): void {
    this.file.close();
  }
}

/** The files of the system, by Deno's blocking calls. */
export const systemFiles: JournalFiles = {
  list: (folder) => [...Deno.readDirSync(folder)].map(({ name }) => name),
  makeFolder(folder) {
    const made = [folder];
    for (let above = dirname(folder); !isThere(above); above = dirname(above)) made.unshift(above);
    Deno.mkdirSync(folder, { recursive: true, mode: 0o700 });
    // One that was there may have been made by a server that died before it synced the name.
    for (const each of made) {
      try {
        this.syncFolder(dirname(each));
      } catch (error) {
        if (!isReadOnly(error)) throw error;
      }
    }
  },
  create: (path) =>
    new SystemFile(
      Deno.openSync(path, { read: true, write: true, create: true, truncate: true, mode: 0o600 }),
    ),
  openToRead: (path) => new SystemFile(Deno.openSync(path)),
  rename: (from, to) => Deno.renameSync(from, to),
  remove: (path) => Deno.removeSync(path),

  syncFolder(folder) {
    using file = Deno.openSync(folder);
    file.syncSync();
  },

  freeBytes(folder) {
    try {
      const { bavail, bsize } = statfsSync(folder);
      return bavail * bsize;
    } catch {
      return null;
    }
  },

  lock(path) {
    const file = openLock(path);
    if (file.tryLockSync(true)) return { [Symbol.dispose]: () => file.close() };
    file.close();
    return null;
  },
};

/** A lock that is there can be taken on a read-only file system, too. */
function openLock(path: string): Deno.FsFile {
  try {
    return Deno.openSync(path, { read: true, write: true, create: true, mode: 0o600 });
  } catch (error) {
    if (isReadOnly(error)) return Deno.openSync(path);
    throw error;
  }
}

function isReadOnly(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EROFS";
}

function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
