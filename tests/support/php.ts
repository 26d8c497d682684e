import { fileURLToPath } from "node:url";
import { parseJson } from "../../src/exact_json.ts";
import type { JsonValue } from "../../src/plugin.ts";

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

/** The files of the PHP client. */
export const PHP_CLIENT = fileURLToPath(new URL("../../clients/php/mevent.php", import.meta.url));
export const PHP_WORKER = fileURLToPath(new URL("../../clients/php/worker.php", import.meta.url));

export interface PhpOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** For PHP itself, before the code. */
  readonly flags?: readonly string[];
}

/** Runs code that has the client, with what it warns of on stdout, too; what it printed. Throws with it where it fails. */
export function runPhp(code: string, options: PhpOptions = {}): Promise<string> {
  return runPhpArgs(["-r", `require ${JSON.stringify(PHP_CLIENT)};\n${code}`], options);
}

/** The same of a file, or whatever the arguments are. */
export async function runPhpArgs(args: readonly string[], options: PhpOptions = {}): Promise<string> {
  const { env = {}, flags = [] } = options;
  const settings = ["error_reporting=-1", "display_errors=1", "html_errors=0", "log_errors=0"];
  const command = new Deno.Command("php", {
    args: [...settings.flatMap((setting) => ["-d", setting]), ...flags, ...args],
    env: { MEVENT_TOKEN: "", ...env },
    stdin: "null",
  });
  const { success, stdout, stderr } = await command.output();
  const said = new TextDecoder().decode(stdout);
  if (!success) throw new Error(`php failed: ${said}${new TextDecoder().decode(stderr)}`);
  return said;
}

/** What code gives that ends in `return …;`, as JSON; nothing else may be printed. */
export async function phpValue(code: string, options: PhpOptions = {}): Promise<JsonValue> {
  const said = await runPhp(
    `echo json_encode((function () {${code}\n})(), JSON_THROW_ON_ERROR | JSON_PRESERVE_ZERO_FRACTION);`,
    options,
  );
  try {
    return parseJson(said);
  } catch {
    throw new Error(`php printed something else than JSON: ${said}`);
  }
}

/** A text as PHP code. */
export function phpText(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&")}'`;
}

/** PHP: `$caught` gives what a call throws as [class, code, message]. */
export const CAUGHT = `$caught = function (callable $call): array {
  try { return ['no error', $call()]; }
  catch (Mevent\\MeventException $error) { return [substr(get_class($error), 7), $error->getCode(), $error->getMessage()]; }
};`;
