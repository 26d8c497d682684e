import { checkRegular, type FileReading, readRegular, UnreadableFile } from "../modules/read_regular.ts";
import { statWithin } from "../modules/stat_within.ts";
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
    checkRegular(await statWithin(path, times.look));
    const text = decodeConfig(await settled(path, read, times), file);
    if (!text.split("\n").some(hasKey)) {
      throw new UnreadableFile(
        "is empty: a reload would close all that it does not name; stop ends a server",
      );
    }
    return text;
  } catch (error) {
    throw problem(file, error);
  }
}

/** Whether a line is more than white space, a comment or the name of a table. */
function hasKey(line: string): boolean {
  return /^[^#[]/.test(line.trimStart());
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
