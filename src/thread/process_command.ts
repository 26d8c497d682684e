import { fileURLToPath } from "node:url";

/** The first argument of a plugin's process; the others are the socket's path and the bytes of a ring. */
export const PLUGIN_PROCESS = "--plugin-process";

/** How this very program is started once more, as a plugin's process. */
export function pluginProcess(
  path: string,
  ringBytes: number,
  env: Readonly<Record<string, string>>,
): Deno.Command {
  const own = [PLUGIN_PROCESS, path, String(ringBytes)];
  const main = new URL("./process_main.ts", import.meta.url);
  const args = Deno.build.standalone ? own : ["run", "-A", "--no-check", "-q", fileURLToPath(main), ...own];
  return new Deno.Command(Deno.execPath(), {
    args,
    clearEnv: true,
    env,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
}
