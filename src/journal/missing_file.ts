import { basename } from "node:path";
import type { JournalFiles } from "./journal_files.ts";
import type { LogFile } from "./log.ts";

/** A file that the journal has, and its folder has not; null where all are there, or the system does not tell. */
export function missingFile(files: JournalFiles, folder: string, own: readonly LogFile[]): LogFile | null {
  if (own.length === 0) return null;
  let names: Set<string>;
  try {
    names = new Set(files.list(folder));
  } catch (error) {
    const isGone = error instanceof Error && "code" in error && error.code === "ENOENT";
    if (!isGone) return null;
    names = new Set();
  }
  return own.find(({ path }) => !names.has(basename(path))) ?? null;
}

/** What is said of it. */
export function missingProblem({ path }: LogFile): string {
  return `${path} is gone: it was deleted or moved away while the server runs; put it back, or let run what is in memory ` +
    "and start the server again: what is on disk alone is lost";
}
