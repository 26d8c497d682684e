import { systemReason } from "../system_reason.ts";

/** What a file held, and which file it was. */
export interface FileReading {
  readonly bytes: Uint8Array;
  /** Another text for another file, another size and another time of change. */
  readonly stamp: string;
}

/** A file that is not read; the message is the sentence without its name. */
export class UnreadableFile extends Error {
  override readonly name = "UnreadableFile";
}

/**
 * Reads a file of at most so many bytes, pipes and devices only where they are allowed. It blocks its thread, as does Deno's
 * own asynchronous way of opening files, which may be for ever. Throws UnreadableFile.
 */
export function readRegular(path: string, maxBytes: number, allowOthers = false): FileReading {
  try {
    // Opening a pipe waits for whoever writes into it.
    if (!allowOthers) checkRegular(Deno.statSync(path));
    using file = Deno.openSync(path);
    const info = file.statSync();
    if (!allowOthers) checkRegular(info);
    const bytes = readAll(file, maxBytes);
    return { bytes, stamp: `${info.dev}:${info.ino} ${info.size} ${info.mtime?.getTime()}` };
  } catch (error) {
    if (error instanceof UnreadableFile) throw error;
    throw new UnreadableFile(`cannot be read: ${systemReason(error, "file")}`);
  }
}

/** Throws UnreadableFile. */
export function checkRegular({ isFile, isDirectory }: Deno.FileInfo): void {
  if (isDirectory) throw new UnreadableFile("cannot be read: it is a folder");
  if (!isFile) throw new UnreadableFile("is no regular file, which alone is read while the server runs");
}

function readAll(file: Deno.FsFile, maxBytes: number): Uint8Array {
  let bytes = new Uint8Array(64 * 1024);
  for (let length = 0;;) {
    const count = file.readSync(bytes.subarray(length));
    if (count === null) return bytes.slice(0, length);
    length += count;
    if (length > maxBytes) throw new UnreadableFile(`has more than the ${maxBytes} bytes that it may have`);
    if (length < bytes.length) continue;
    const larger = new Uint8Array(2 * length);
    larger.set(bytes);
    bytes = larger;
  }
}
