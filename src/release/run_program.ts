/** Runs a program to its end; what it printed. Throws with what it said where it fails. */
export async function run(
  program: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<string> {
  const command = new Deno.Command(program, { args: [...args], stdin: "null", ...options });
  const { success, stdout, stderr } = await command.output();
  const [printed = "", said = ""] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  if (!success) throw new Error(`${program} ${args.join(" ")} failed:\n${said}${printed}`);
  return printed;
}
