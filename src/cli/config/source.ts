import { NO_FILE } from "../../config/overrides.ts";
import type { Flag } from "../flag.ts";
import type { Io } from "../io.ts";
import type { ParsedCommand } from "../parsed_command.ts";

/** The config that is taken where it stands in the folder and no other is named. */
export const FOLDERS_CONFIG = "mevent.toml";

/** What commands that read a config have; it may be `none`. */
export const CONFIG_FLAG: Flag = {
  name: "config",
  short: "c",
  value: "FILE",
  help:
    `The config file; without it the one that MEVENT_CONFIG names, else ./${FOLDERS_CONFIG} where there is one. ` +
    `"${NO_FILE}" goes without.`,
};

/** Where a command's config is. */
export interface ConfigSource {
  /** The file's path; undefined where there is to be none. */
  readonly file: string | undefined;
  /** Nobody named it: it stands in the folder. */
  readonly isFound: boolean;
}

/** The config file of a command: what the flag says, else MEVENT_CONFIG, else what stands in the folder. */
export function configSource(args: ParsedCommand, io: Pick<Io, "env">): ConfigSource {
  const named = args.text(CONFIG_FLAG.name) ?? (io.env["MEVENT_CONFIG"] || undefined);
  if (named !== undefined) return { file: named === NO_FILE ? undefined : named, isFound: false };
  return isThere(FOLDERS_CONFIG)
    ? { file: FOLDERS_CONFIG, isFound: true }
    : { file: undefined, isFound: false };
}

/** What is said of a config that nobody named. */
export function foundText(file: string): string {
  return `the config is ./${file}, which stands in this folder; --config ${NO_FILE} goes without`;
}

function isThere(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    // One that cannot be looked at is there, and an error to who reads it.
    return !(error instanceof Deno.errors.NotFound);
  }
}
