import { toHex } from "./bytes.ts";
import { runPython } from "./python.ts";

/** Sends bytes to the port, reads so many of the reply, then resets the connection; needs python3. */
export async function sendAndReset(port: number, bytes: Uint8Array, readFirst = 0): Promise<void> {
  await runPython("reset.py", String(port), toHex(bytes), ...(readFirst > 0 ? [String(readFirst)] : []));
}
