import { LimitedBytesTransformStream, toBytes } from "@std/streams";
import { systemReason } from "../../system_reason.ts";
import type { Io } from "../io.ts";
import { MAX_FRAME_BYTES } from "../server_address.ts";

/** What a path says for stdin. */
export const STDIN = "-";

/** Params that cannot be sent: a file that cannot be read, text that does not parse. */
export class InputError extends Error {
  override readonly name = "InputError";
}

/** All of a file or of stdin. Throws InputError where it cannot be read or is longer than any message. */
export async function readInput(path: string, io: Io): Promise<Uint8Array> {
  const name = path === STDIN ? "stdin" : path;
  try {
    const input = path === STDIN ? io.stdin : (await Deno.open(path)).readable;
    return await toBytes(
      input.pipeThrough(new LimitedBytesTransformStream(MAX_FRAME_BYTES, { error: true })),
    );
  } catch (error) {
    if (error instanceof RangeError) throw new InputError(`${name} has more than ${MAX_FRAME_BYTES} bytes`);
    if (error instanceof Error) throw new InputError(`cannot read ${name}: ${systemReason(error, "file")}`);
    throw error;
  }
}
