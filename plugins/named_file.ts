import { systemReason } from "../src/system_reason.ts";

/**
 * The text of a file that the config names. Throws a sentence with the key where it cannot be read; what is not granted is told by
 * the host.
 */
export async function readNamedFile(path: string, key: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    throw new Error(`${key}: ${path} cannot be read: ${systemReason(error, "file")}`);
  }
}
