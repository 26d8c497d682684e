import { join } from "node:path";
import { loadConfig } from "../../config/load.ts";
import { numberOfFile } from "../../journal/file_header.ts";
import { JournalError } from "../../journal/journal_error.ts";
import { dataFolder, journalFolder, pluginOfFolder } from "../../server/data_folder.ts";
import { systemReason } from "../../system_reason.ts";
import type { Flag } from "../flag.ts";
import { CONFIG_FLAG, configSource } from "../config/source.ts";
import { ExitCode } from "../exit_codes.ts";
import type { Io } from "../io.ts";
import type { ParsedCommand } from "../parsed_command.ts";
import { UsageError } from "../usage_error.ts";

/** The flags that say where the journals are. */
export const DATA_FLAGS: readonly Flag[] = [
  { name: "data", value: "FOLDER", help: "The folder of the journals. Without it, as the config says." },
  CONFIG_FLAG,
];

/** The help of the exit codes. */
export const JOURNAL_EXIT_CODES =
  "Exit codes: 0; 65 where a journal is damaged; 1 where it cannot be read or is open elsewhere; 64 for a wrong command line; 78 for " +
  "a config that cannot be used.";

/** A plugin's journal on disk. */
export interface JournalPlace {
  readonly plugin: string;
  readonly folder: string;
}

/** The journals that the command line names: those of its plugins, else all that are there. Throws UsageError, and ConfigError. */
export function journalPlaces(args: ParsedCommand, io: Pick<Io, "env">): JournalPlace[] {
  const data = args.text("data") ?? configuredData(args, io);
  if (args.positionals.length > 0) {
    return args.positionals.map((plugin) => ({
      plugin,
      folder: existing(journalFolder(data, plugin), plugin),
    }));
  }
  const places: JournalPlace[] = [];
  for (const { name, isDirectory } of entries(data)) {
    const plugin = pluginOfFolder(name);
    const folder = join(data, name);
    if (isDirectory && plugin !== null && entries(folder).some((each) => numberOfFile(each.name) !== null)) {
      places.push({ plugin, folder });
    }
  }
  return places.sort((a, b) => a.plugin < b.plugin ? -1 : 1);
}

/** The one journal that the command line names. */
export function journalPlace(args: ParsedCommand, io: Pick<Io, "env">): JournalPlace {
  if (args.positionals.length !== 1) throw new UsageError("one PLUGIN is to be named");
  return journalPlaces(args, io)[0]!;
}

function configuredData(args: ParsedCommand, io: Pick<Io, "env">): string {
  const { file } = configSource(args, io);
  const { server } = loadConfig({ ...file === undefined ? {} : { file }, env: io.env, flags: {} });
  const data = dataFolder(server, io.env);
  if (data === null) {
    throw new UsageError("neither the config nor the environment says where the journals are: --data does");
  }
  return data;
}

function existing(folder: string, plugin: string): string {
  entries(folder, `plugin ${plugin} has no journal there: `);
  return folder;
}

function entries(folder: string, what = ""): Deno.DirEntry[] {
  try {
    return [...Deno.readDirSync(folder)];
  } catch (error) {
    throw new UsageError(`${what}${folder}: ${systemReason(error, "file")}`);
  }
}

/** Runs a command on journals: what they and the system refuse is a sentence on stderr. */
export async function onJournals(
  name: string,
  io: Pick<Io, "stderr">,
  run: () => Promise<number>,
): Promise<number> {
  try {
    return await run();
  } catch (error) {
    const isSystem = error instanceof Error && "code" in error;
    if (!isSystem && !(error instanceof JournalError)) throw error;
    const reason = error instanceof JournalError ? error.message : systemReason(error, "file");
    await io.stderr.write(`mevent ${name}: ${reason}\n`);
    return error instanceof JournalError && error.reason === "damage" ? ExitCode.Data : ExitCode.Failed;
  }
}
