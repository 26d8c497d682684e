import { fileURLToPath } from "node:url";

/** Files of one plugin that are looked at; what is imported beyond them is not noticed. */
const MAX_FILES = 1000;
/** Longer files are looked at, but not into, in bytes. */
const MAX_READ_BYTES = 4 * 1024 * 1024;
/** What stands in quotes after `from` or `import` and begins with a dot. */
const RELATIVE_IMPORT = /\b(?:from|import)\s*\(?\s*["'](\.{1,2}\/[^"'\n]+)["']/g;

/**
 * Changes where a plugin's module does: time and size of its file and of the files that it imports by relative paths,
 * directly or not. Always the same for what is built in.
 */
export function moduleStamp(module: string): string {
  if (!module.startsWith("file:")) return "";
  const files = [module];
  const lines: string[] = [];
  for (let at = 0; at < files.length; at++) {
    const { line, imports } = look(files[at]!);
    lines.push(`${files[at]} ${line}`);
    for (const file of imports) if (files.length < MAX_FILES && !files.includes(file)) files.push(file);
  }
  return lines.join("\n");
}

function look(file: string): { line: string; imports: string[] } {
  try {
    const path = fileURLToPath(file);
    const { mtime, size, ino } = Deno.statSync(path);
    const text = size > MAX_READ_BYTES ? "" : Deno.readTextFileSync(path);
    const imports = [...text.matchAll(RELATIVE_IMPORT)].map(([, target]) => new URL(target!, file).href);
    return { line: `${mtime?.getTime()} ${size} ${ino}`, imports };
  } catch {
    // A file that is not there, or only looked like an import: its absence is its state.
    return { line: "absent", imports: [] };
  }
}
