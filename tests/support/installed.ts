/** Programs of the system that tests use where they are there. */
export function isInstalled(...programs: readonly string[]): boolean {
  return programs.every((program) => places().some((folder) => isFile(`${folder}/${program}`)));
}

/** For the name of a test that needs them. */
export function installedNote(...programs: readonly string[]): string {
  const missing = programs.filter((program) => !isInstalled(program));
  return missing.length === 0 ? "" : ` (skipped: there is no ${missing.join(", no ")} here)`;
}

function places(): string[] {
  return [...(Deno.env.get("PATH") ?? "").split(":"), "/usr/sbin", "/sbin"];
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
