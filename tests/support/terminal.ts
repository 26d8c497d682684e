import { PYTHON } from "./python.ts";

/** A wait for what the terminal shows, a regular expression, and what is typed then. */
export type Keys = readonly [wait: string, type: string];

/** Types at a program in a terminal; what the terminal has shown, or throws where a wait is in vain. */
export async function typeAt(
  program: readonly string[],
  keys: readonly Keys[],
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<string> {
  const script = new URL("terminal.py", import.meta.url).pathname;
  const child = new Deno.Command(PYTHON, {
    args: [script, ...program],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    ...options,
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(JSON.stringify(keys)));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  const [shown, said] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  if (code !== 0) throw new Error(`${said}the terminal showed:\n${shown}`);
  return shown!;
}
