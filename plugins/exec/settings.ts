import type { JsonObject, JsonValue } from "mevent/plugin";
import { ConfigTable, isTable, SettingsError } from "../config_table.ts";

const FIRST_COMMAND = 1001;
const LAST_COMMAND = 65535;
const MAX_LINE_BYTES = 64 * 2 ** 20;
/** What `start` may take; the host gives a worker 30 s for all of its start. */
const MAX_START_MS = 25_000;
/** What is left of the five seconds of a plugin's `stop` for TERM and KILL. */
const MAX_STOP_MS = 3000;

/** A command of the child, as the config names it. */
export interface ChildCommand {
  readonly name: string;
  readonly description: string;
  readonly idempotent: boolean;
}

/** `[plugin.config]` of the exec plugin. */
export interface ExecSettings {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string | undefined;
  /** The child's environment, but for what is passed on from the server's. */
  readonly env: { readonly [name: string]: string };
  /** Variables of the server's environment that the child gets. */
  readonly passEnv: readonly string[];
  readonly commands: ReadonlyMap<number, ChildCommand>;
  /** Operations that the child may have unanswered. */
  readonly concurrency: number;
  /** What it gets to say that it is ready, in ms. */
  readonly startTimeout: number;
  /** What it gets to answer a cancelled operation, before it is killed; in ms. */
  readonly cancelGrace: number;
  /** What it gets to end in once its stdin is closed, before it is told by TERM; in ms. */
  readonly stopTimeout: number;
  /** The longest line that it may write, in bytes. */
  readonly maxLine: number;
}

/** Throws SettingsError with a sentence for whoever wrote the config. */
export function execSettings(config: JsonObject): ExecSettings {
  const table = new ConfigTable(config, "config");
  const [program, ...args] = table.texts("command");
  if (program === undefined) {
    throw table.wrong("command", 'is empty; name a program: ["python3", "worker.py"]');
  }
  const settings = {
    program,
    args,
    cwd: table.textIfAny("cwd"),
    env: table.textTable("env"),
    passEnv: table.texts("pass_env", []),
    commands: commandsOf(table.value("commands")),
    concurrency: table.whole("concurrency", { least: 1, most: 65536 }, 1),
    startTimeout: table.duration("start_timeout", { least: 100, most: MAX_START_MS }, 10_000),
    cancelGrace: table.duration("cancel_grace", { least: 0, most: 60_000 }, 500),
    stopTimeout: table.duration("stop_timeout", { least: 0, most: MAX_STOP_MS }, 2000),
    maxLine: table.bytes("max_line", { least: 256, most: MAX_LINE_BYTES }, 2 ** 20),
  };
  table.end();
  return settings;
}

function commandsOf(value: JsonValue | undefined): Map<number, ChildCommand> {
  if (!isTable(value) || Object.keys(value).length === 0) {
    throw new SettingsError('config.commands is to be a table of number = name: { 1001 = "resize" }');
  }
  const commands = new Map<number, ChildCommand>();
  for (const [key, what] of Object.entries(value)) {
    const number = Number(key);
    if (!Number.isInteger(number) || number < FIRST_COMMAND || number > LAST_COMMAND) {
      throw new SettingsError(
        `config.commands.${key} is not a number from ${FIRST_COMMAND} to ${LAST_COMMAND}`,
      );
    }
    commands.set(number, commandOf(what, `config.commands.${key}`));
  }
  return commands;
}

function commandOf(value: JsonValue, path: string): ChildCommand {
  if (typeof value === "string" && value !== "") return { name: value, description: "", idempotent: false };
  if (!isTable(value)) {
    throw new SettingsError(`${path} is to be a name, or a table of name, description and idempotent`);
  }
  const table = new ConfigTable(value, path);
  const command = {
    name: table.text("name"),
    description: table.textIfAny("description") ?? "",
    idempotent: table.bool("idempotent", false),
  };
  table.end();
  return command;
}
