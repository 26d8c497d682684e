import { isAbsolute, join } from "node:path";

/** Where Debian puts servers; a user's PATH may lack it. */
const SERVER_FOLDERS = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/** The path of an executable on the PATH or among the servers, or null. */
export function findProgram(name: string): string | null {
  const folders = [...(Deno.env.get("PATH") ?? "").split(":"), ...SERVER_FOLDERS].filter(isAbsolute);
  return folders.map((folder) => join(folder, name)).find(isFile) ?? null;
}

/** Whether there is a file of that path. */
export function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
