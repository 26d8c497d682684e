import { join } from "node:path";
import type { ServerConfig } from "../config/config.ts";

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
