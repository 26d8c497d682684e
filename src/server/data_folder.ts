import { dirname, join } from "node:path";
import type { ServerConfig } from "../config/config.ts";
import { systemReason } from "../system_reason.ts";

/** The folder of the journals: what the config says, else where the system keeps such things; null where nothing tells. */
export function dataFolder(
  { data }: Pick<ServerConfig, "data">,
  env: Readonly<Record<string, string>>,
): string | null {
  if (data !== "") return data;
  // A service may have several; the first is the one that it is told as its own.
  const [state] = (env["STATE_DIRECTORY"] ?? "").split(":");
  if (state) return state;
  const own = env["XDG_STATE_HOME"] || (env["HOME"] ? join(env["HOME"], ".local", "state") : "");
  return own === "" ? null : join(own, "mevent");
}

/** Why journals cannot be made there, as a sentence; null where they can. What it makes to find out is gone after it. */
export function dataFolderProblem(folder: string): string | null {
  try {
    if (!Deno.statSync(folder).isDirectory) return `${folder} is no folder`;
    const probe = Deno.makeTempDirSync({ dir: folder, prefix: ".mevent-check-" });
    Deno.removeSync(probe);
    return null;
  } catch (error) {
    // It is made at the start, where its parent may be written to.
    const above = dirname(folder);
    if (error instanceof Deno.errors.NotFound && above !== folder) return dataFolderProblem(above);
    return `${folder}: ${systemReason(error, "file")}`;
  }
}

/** The folder of a plugin's journal there: its name, and what may not stand in a file's name as `%2F`. */
export function journalFolder(data: string, plugin: string): string {
  return join(data, encodeURIComponent(plugin).replace(/^\./, "%2E").replaceAll("*", "%2A"));
}

/** The plugin whose journal a folder of that name is; null where it is none. */
export function pluginOfFolder(name: string): string | null {
  try {
    return decodeURIComponent(name);
  } catch {
    return null;
  }
}
