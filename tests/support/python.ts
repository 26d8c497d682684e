/** The interpreter itself, which a `python3` in the PATH may take some 60 ms to find; undefined where there is none. */
const INTERPRETER = await interpreter();
/** Whether python3 can be run here: what needs it is skipped otherwise. */
export const HAS_PYTHON = INTERPRETER !== undefined;
/** How it is run. */
export const PYTHON = INTERPRETER ?? "python3";

/** For the names of tests that need it. */
export const PYTHON_NOTE = HAS_PYTHON ? "" : " (skipped: there is no python3 here)";

/** Runs a script of this directory and returns what it printed; throws with its stderr where it fails. */
export async function runPython(script: string, ...args: string[]): Promise<string> {
  const path = new URL(script, import.meta.url).pathname;
  const command = new Deno.Command(PYTHON, { args: [path, ...args], stdout: "piped", stderr: "piped" });
  const { success, stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`${script} failed: ${decoder.decode(stderr)}`);
  return decoder.decode(stdout);
}

async function interpreter(): Promise<string | undefined> {
  const args = ["-c", "import sys; print(sys.executable)"];
  try {
    const { success, stdout } = await new Deno.Command("python3", { args, stderr: "null" }).output();
    return success ? new TextDecoder().decode(stdout).trim() : undefined;
  } catch {
    return undefined;
  }
}
