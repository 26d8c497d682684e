import type { PluginPermissions } from "../config/config.ts";

/** What `builtin:exec` ends with what a child has started (plugins/exec/guard.ts): `/bin/sh` by a name that no config has. */
const GUARD = [Deno.build.os === "linux" ? "/proc/self/root/bin/sh" : "/bin/sh"];
/** What `builtin:webhook` makes its HTTP clients without (plugins/webhook/proxy.ts). */
const PROXIES = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"];

/** What a built-in plugin's own code may do: what the config grants, and what the config need not know of. */
export function builtinRights(module: string, granted: PluginPermissions): PluginPermissions {
  switch (module) {
    case "builtin:exec":
      // Where nothing may be run there is no child.
      return granted.run === false ? granted : { ...granted, run: adding(granted.run, GUARD) };
    case "builtin:webhook":
      return {
        ...granted,
        env: adding(granted.env, [...PROXIES, ...PROXIES.map((name) => name.toLowerCase())]),
      };
    default:
      return granted;
  }
}

function adding(granted: boolean | readonly string[], more: readonly string[]): boolean | readonly string[] {
  if (granted === true) return true;
  return granted === false ? more : [...granted, ...more];
}
