import type { Io } from "./io.ts";
import { MAX_FRAME_BYTES } from "./server_address.ts";

/** What a path says for stdin. */
export const STDIN = "-";

/** Params that cannot be sent: a file that cannot be read, text that does not parse. */
export class InputError extends Error {
  override readonly name = "InputError";
}

/** All of a file or of stdin. Throws InputError where it cannot be read or is longer than any message. */
export async function readInput(path: string, io: Io): Promise<Uint8Array> {
  try {
    if (path === STDIN) return await readAll(io.stdin, "stdin");
    using file = await Deno.open(path);
    return await readAll(chunks(file), path);
  } catch (error) {
    if (error instanceof InputError || !(error instanceof Error)) throw error;
    throw new InputError(`cannot read ${path === STDIN ? "stdin" : path}: ${error.message}`);
  }
}

async function readAll(stream: AsyncIterable<Uint8Array>, name: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of stream) {
    length += part.length;
    if (length > MAX_FRAME_BYTES) throw new InputError(`${name} has more than ${MAX_FRAME_BYTES} bytes`);
    parts.push(part);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

async function* chunks(file: Deno.FsFile): AsyncGenerator<Uint8Array> {
  for (;;) {
    const chunk = new Uint8Array(64 * 1024);
    const count = await file.read(chunk);
    if (count === null) return;
    yield chunk.subarray(0, count);
  }
}
