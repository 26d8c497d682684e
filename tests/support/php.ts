/** Whether php can be run here: what needs it is skipped otherwise. */
export const HAS_PHP = await hasPhp();

/** For the names of tests that need it. */
export const PHP_NOTE = HAS_PHP ? "" : " (skipped: there is no php here)";

async function hasPhp(): Promise<boolean> {
  try {
    return (await new Deno.Command("php", { args: ["--version"], stdout: "null", stderr: "null" }).output())
      .success;
  } catch {
    return false;
  }
}
