import { UnreadableFile } from "./read_regular.ts";

/** Paths that a file system has been asked about and has not answered yet: each keeps one of the few threads for that. */
const unanswered = new Set<string>();

/**
 * What stands at a path. A file system that does not answer holds up nobody but who waits for this, for so many ms. Rejects
 * with UnreadableFile where it does not, and with the system's error.
 */
export async function statWithin(path: string, ms: number): Promise<Deno.FileInfo> {
  const silent = "cannot be read: its file system does not answer";
  if (unanswered.has(path)) throw new UnreadableFile(silent);
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new UnreadableFile(silent)), ms);
  unanswered.add(path);
  const info = Deno.stat(path).finally(() => unanswered.delete(path));
  info.catch(() => {});
  try {
    return await Promise.race([info, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
