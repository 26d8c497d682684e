import { checkRegular, type FileReading, readRegular, UnreadableFile } from "../modules/read_regular.ts";
import { systemReason } from "../system_reason.ts";
import { ConfigError } from "./config_error.ts";
import { decodeConfig } from "./document.ts";

/** The longest config file, in bytes. */
export const MAX_CONFIG_BYTES = 4 * 1024 * 1024;

/** Reads a regular file of at most so many bytes on another thread. Rejects with a sentence. */
export type ReadFile = (path: string, maxBytes: number) => Promise<FileReading>;

/** How long things may take; in ms. */
export interface ReadTimes {
  /** The file system may take so long to say what file it is. */
  readonly look: number;
  /** A file is read again after so long, to see that nobody is writing it. */
  readonly quiet: number;
  /** It may go on changing for so long. */
  readonly settle: number;
}

const READ_TIMES: ReadTimes = { look: 5000, quiet: 150, settle: 5000 };

/** Paths that a file system has been asked about and has not answered yet: each keeps one of the few threads for that. */
const unanswered = new Set<string>();

/**
 * The text of a config as a server starts with it, from a pipe too. It blocks: nothing runs that it could hold up, and
 * signals end it. Throws ConfigError, which names it `file`.
 */
export function startText(file: string, path = file): string {
  try {
    return decodeConfig(readRegular(path, MAX_CONFIG_BYTES, true).bytes, file);
  } catch (error) {
    throw problem(file, error);
  }
}

/**
 * The text of a config that a running server is to take over: from a regular file alone that nobody writes at the moment and
 * that says something, for one that is emptied or half written would close all that it does not name any more. Rejects
 * with ConfigError.
 */
export async function reloadText(
  file: string,
  read: ReadFile,
  path = file,
  times = READ_TIMES,
): Promise<string> {
  try {
    await look(path, times.look);
    const text = decodeConfig(await settled(path, read, times), file);
    if (/^(?:\s|#[^\n]*)*$/.test(text)) {
      throw new UnreadableFile(
        "is empty: a reload would close all that it does not name; stop ends a server",
      );
    }
    return text;
  } catch (error) {
    throw problem(file, error);
  }
}

/** What it holds once two readings are the same. */
async function settled(path: string, read: ReadFile, { quiet, settle }: ReadTimes): Promise<Uint8Array> {
  const end = performance.now() + settle;
  let before = await read(path, MAX_CONFIG_BYTES);
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, quiet));
    const after = await read(path, MAX_CONFIG_BYTES);
    if (isSame(before, after)) return after.bytes;
    if (performance.now() > end) {
      throw new UnreadableFile(`has gone on changing for ${settle / 1000} s: reload when it is written`);
    }
    before = after;
  }
}

/** Rejects unless there is a regular file. A file system that does not answer holds up nobody but this. */
async function look(path: string, ms: number): Promise<void> {
  const silent = "cannot be read: its file system does not answer";
  if (unanswered.has(path)) throw new UnreadableFile(silent);
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new UnreadableFile(silent)), ms);
  unanswered.add(path);
  const info = Deno.stat(path).finally(() => unanswered.delete(path));
  try {
    checkRegular(await Promise.race([info, late.promise]));
  } finally {
    info.catch(() => {});
    clearTimeout(timer);
  }
}

function isSame(a: FileReading, b: FileReading): boolean {
  return a.stamp === b.stamp && a.bytes.length === b.bytes.length &&
    a.bytes.every((byte, at) => byte === b.bytes[at]);
}

function problem(source: string, error: unknown): ConfigError {
  if (error instanceof ConfigError) return error;
  const message = error instanceof UnreadableFile
    ? error.message
    : `cannot be read: ${systemReason(error, "file")}`;
  return new ConfigError([{ source, message }]);
}
