/** Whether python3 can be run here: what needs it is skipped otherwise. */
export const HAS_PYTHON = await hasPython();

/** For the names of tests that need it. */
export const PYTHON_NOTE = HAS_PYTHON ? "" : " (skipped: there is no python3 here)";

/** Runs a script of this directory and returns what it printed; throws with its stderr where it fails. */
export async function runPython(script: string, ...args: string[]): Promise<string> {
  const path = new URL(script, import.meta.url).pathname;
  const command = new Deno.Command("python3", { args: [path, ...args], stdout: "piped", stderr: "piped" });
  const { success, stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`${script} failed: ${decoder.decode(stderr)}`);
  return decoder.decode(stdout);
}

async function hasPython(): Promise<boolean> {
  try {
    return (await new Deno.Command("python3", { args: ["--version"], stdout: "null", stderr: "null" })
      .output()).success;
  } catch {
    return false;
  }
}
