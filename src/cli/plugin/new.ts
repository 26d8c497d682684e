import { join } from "node:path";
import { pluginFiles, pluginTable, TYPES_FILE } from "../../authors/plugin_files.ts";
import { plainConfig } from "../../authors/author_config.ts";
import { ConfigError } from "../../config/config_error.ts";
import { startText } from "../../config/config_file.ts";
import { loadConfig } from "../../config/load.ts";
import { systemReason } from "../../system_reason.ts";
import type { Command } from "../command.ts";
import { FOLDERS_CONFIG } from "../config/source.ts";
import { ExitCode } from "../exit_codes.ts";
import type { Io } from "../io.ts";
import type { ParsedCommand } from "../parsed_command.ts";
import { UsageError } from "../usage_error.ts";

/** The config that a plugin is entered in, where it is there. */
const SHARED_CONFIG = FOLDERS_CONFIG;
/** What may be the name of a plugin and of its files. */
const FILE_NAME = /^[\p{L}\p{N}_][\p{L}\p{N}_-]*$/u;

export const pluginNewCommand: Command = {
  name: "plugin new",
  summary: "Writes a plugin, its test and its config, ready to run.",
  usage: "NAME [flags]",
  details: [
    `Writes NAME.ts, NAME_test.ts, NAME.toml and, for editors, ${TYPES_FILE}, and says how to go on. Where there is a ` +
    `${SHARED_CONFIG}, the plugin's table is appended to that instead. No file is overwritten.`,
    "Exit codes: 0; 64 for a wrong name; 65 where one of the files is there already or cannot be written.",
  ],
  flags: [{
    name: "dir",
    value: "FOLDER",
    default: ".",
    help: "Where to write them; made where it is not there.",
  }],
  positionals: true,
  examples: ["mevent plugin new orders", "mevent plugin new orders --dir plugins"],
  async run(args, io) {
    const name = nameOf(args);
    const folder = args.required("dir");
    try {
      const written = await writePlugin(name, folder);
      await io.stdout.write(whatNext(name, folder, written));
      return ExitCode.Ok;
    } catch (error) {
      return await refused(error, io);
    }
  },
};

interface Written {
  readonly files: readonly string[];
  readonly config: string;
  /** The config was there, and has got the plugin's table. */
  readonly isAppended: boolean;
}

function nameOf({ positionals: [name, ...others] }: ParsedCommand): string {
  if (name === undefined) throw new UsageError("the plugin's name is missing: mevent plugin new NAME");
  if (others.length > 0) throw new UsageError(`expected one name, got ${JSON.stringify(others[0])} too`);
  try {
    plainConfig("builtin:skeleton", name);
  } catch (error) {
    throw error instanceof ConfigError ? new UsageError(error.message.replace(/^.*?\.name: /, "")) : error;
  }
  if (FILE_NAME.test(name)) return name;
  throw new UsageError(
    `expected letters, digits, - and _ for the name of a plugin and its files, got ${JSON.stringify(name)}`,
  );
}

async function writePlugin(name: string, folder: string): Promise<Written> {
  await Deno.mkdir(folder, { recursive: true });
  const files = await pluginFiles(name);
  const shared = join(folder, SHARED_CONFIG);
  const isAppended = await isThere(shared);
  const appended = isAppended ? withTable(shared, name) : "";
  if (isAppended) files.delete(`${name}.toml`);
  if (await isThere(join(folder, TYPES_FILE))) files.delete(TYPES_FILE);
  for (const file of files.keys()) {
    const path = join(folder, file);
    if (await isThere(path)) throw new Deno.errors.AlreadyExists(`${path} is there already`);
  }
  const written: string[] = [];
  try {
    for (const [file, text] of files) {
      const path = join(folder, file);
      written.push(path);
      await Deno.writeTextFile(path, text, { createNew: true });
    }
    if (isAppended) await Deno.writeTextFile(shared, appended, { append: true });
  } catch (error) {
    // Half a plugin is worse than none: a full disk may take the first file and not the second. What somebody else has made
    // meanwhile is not ours.
    if (error instanceof Deno.errors.AlreadyExists) written.pop();
    for (const path of written) await Deno.remove(path).catch(() => {});
    throw error;
  }
  return { files: written, config: isAppended ? shared : join(folder, `${name}.toml`), isAppended };
}

/** What is to be appended to a config; throws where it, or what comes of it, cannot be used. */
function withTable(file: string, name: string): string {
  const before = startText(file);
  const table = `${before === "" || before.endsWith("\n") ? "" : "\n"}${before === "" ? "" : "\n"}${
    pluginTable(name)
  }`;
  const { plugins, layers } = loadConfig({ file, text: before, env: {}, flags: {} });
  // Without any [[plugin]] there are those that a server has by itself.
  if (layers.has(["plugin"]) && plugins.some((plugin) => plugin.name === name)) {
    throw new ConfigError([`${file}: has a plugin ${name} already`]);
  }
  loadConfig({ file, text: before + table, env: {}, flags: {} });
  return table;
}

async function isThere(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function whatNext(name: string, folder: string, { files, config, isAppended }: Written): string {
  const module = join(folder, `${name}.ts`);
  const params = "--cmd 1001 price:=2.5 pieces:=4";
  return [
    ...files.map((file) => `wrote ${file}`),
    ...isAppended ? [`added [[plugin]] ${name} to ${config}`] : [],
    "Next:",
    `  mevent plugin check ${module}`,
    `  mevent plugin run ${module} ${params}`,
    `  mevent plugin test ${join(folder, `${name}_test.ts`)}`,
    `  mevent serve --config ${config}`,
    `  mevent send --biz ${name} ${params}`,
  ].map((line) => `${line}\n`).join("");
}

/** Says why nothing was written, where it is not a bug. */
async function refused(error: unknown, io: Io): Promise<number> {
  const problem = error instanceof ConfigError ? error.message : fileProblem(error);
  if (problem === null) throw error;
  await io.stderr.write(`mevent plugin new: nothing was written: ${problem}\n`);
  return error instanceof ConfigError ? ExitCode.Config : ExitCode.Data;
}

/** What the system refused, with the path that it names; null for an error of another kind. */
function fileProblem(error: unknown): string | null {
  if (error instanceof Deno.errors.AlreadyExists) return error.message;
  if (!(error instanceof Error) || !("code" in error)) return null;
  const path = / '([^']+)'$/.exec(error.message)?.[1];
  const reason = systemReason(error, "file");
  return path === undefined ? reason : `${path}: ${reason}`;
}
