import type { AuthorConfig } from "../../authors/author_config.ts";
import { modulePath } from "../../authors/module_copy.ts";
import type { PluginDescription, Refusal } from "../../authors/inspection.ts";
import type { PluginPermissions } from "../../config/config.ts";
import { PLUGIN_DEFAULTS } from "../../config/defaults.ts";
import { GRANT_KINDS, grantLine } from "../../modules/grants.ts";
import { aligned, printable } from "../aligned.ts";
import { permissionsText } from "./permissions.ts";
import type { PluginTarget } from "./target.ts";

/** What `mevent plugin check` tells. */
export interface CheckReport {
  /** The module's path, or `builtin:NAME`. */
  readonly module: string;
  /** What it says of itself; null where it does not load. */
  readonly plugin: PluginDescription | null;
  /** What the config grants; reading the files of its own module is not named. */
  readonly granted: PluginPermissions;
  /** What it asked for while it loaded and did not get. */
  readonly refused: readonly Refusal[];
  readonly problems: readonly Problem[];
  /** What is hardly meant, but keeps it from nothing. */
  readonly warnings: readonly Problem[];
}

export interface Problem {
  readonly message: string;
  /** Where in the plugin's code it is, as far as that is known; line and column from 1. */
  readonly file: string | null;
  readonly line: number | null;
  readonly column: number | null;
}

/** A path or a URL, line and column. */
export const PLACE = /((?:file:\/\/)?\/[^\s()]*?):(\d+):(\d+)/;

/** @param failure why it does not start, where that was tried; "" where not */
export function checkReport({ module, inspection, config }: PluginTarget, failure: string): CheckReport {
  const { plugin, problems, warnings, refused } = inspection;
  return {
    module: modulePath(module),
    plugin,
    granted: config?.plugin.permissions ?? PLUGIN_DEFAULTS.permissions,
    refused,
    problems: [...problems, ...failure === "" ? [] : [failure]].map((message) => problemOf(message, config)),
    warnings: warnings.map((message) => problemOf(message, null)),
  };
}

/** @param config where it stands, for a sentence that names no place in the plugin's code */
function problemOf(message: string, config: AuthorConfig | null): Problem {
  const [, file, line, column] = PLACE.exec(message) ?? [];
  if (file !== undefined) {
    // Where the sentence begins with the place, people read a path.
    const told = message.startsWith(file) ? modulePath(file) + message.slice(file.length) : message;
    return { message: told, file: modulePath(file), line: Number(line), column: Number(column) };
  }
  const { source, line: at, column: from } = config?.place?.(message) ?? {};
  if (source === undefined || at === undefined || from === undefined) {
    return { message, file: null, line: null, column: null };
  }
  return { message: `${source}:${at}:${from}: ${message}`, file: source, line: at, column: from };
}

/** The same for people. */
export function checkText({ module, plugin, granted, refused, problems, warnings }: CheckReport): string {
  const rows = [
    ...plugin === null ? [["plugin", "does not load"]] : pluginRows(plugin),
    ["granted", permissionsText(granted, !module.startsWith("builtin:"))],
    ...refused.map((refusal, at) => [at === 0 ? "refused" : "", refusalText(refusal, granted)]),
    ["problems", problems.length === 0 ? "none" : String(problems.length)],
    ...warnings.length === 0 ? [] : [["warnings", String(warnings.length)]],
  ];
  const shown = (message: string) => `\n${message.split("\n").map(printable).join("\n")}\n`;
  const said = [
    ...problems.map(({ message }) => shown(message)),
    ...warnings.map(({ message }) => shown(`warning: ${message}`)),
  ];
  return [`${printable(module)}\n`, ...aligned(rows, [0, 1]).map((line) => `  ${line}\n`), ...said].join("");
}

function pluginRows(plugin: PluginDescription): string[][] {
  const { name, biz, description, concurrency, sync, commands, timers, hooks } = plugin;
  const about = commands.map((
    command,
  ) => [String(command.number), printable(command.name), commandText(command)]);
  const when = timers.map((timer) => [printable(timer.name), printable(timer.schedule)]);
  return [
    ["plugin", `${printable(name)}, ${biz === null ? "no business number" : `biz ${biz}`}`],
    ...description === "" ? [] : [["", printable(description)]],
    ["concurrency", `${concurrency}${sync ? ", sync" : ""}`],
    ...labelled("commands", aligned(about, [1, 2])),
    ...labelled("timers", aligned(when, [0, 1])),
    ["hooks", hooks.join(", ") || "none"],
  ];
}

/** `stores an order; batches of up to 100, idempotent` */
function commandText(
  { description, batch, idempotent, schema }: PluginDescription["commands"][number],
): string {
  const notes = [
    ...batch === null
      ? []
      : [`batches of up to ${batch.max}${batch.wait === "0" ? "" : `, waiting ${batch.wait}`}`],
    ...idempotent ? ["idempotent"] : [],
    ...schema ? ["params by a schema"] : [],
  ].join(", ");
  return printable([description, notes].filter((text) => text !== "").join("; "));
}

/** `read "/etc/passwd"; granted by permissions = { read = ["/etc/passwd"] }` */
export function refusalText({ kind, target }: Refusal, granted: PluginPermissions): string {
  const known = GRANT_KINDS.find((each) => each === kind);
  const grant = known === undefined
    ? ""
    : `; granted by ${grantLine(granted, { kind: known, value: target || undefined })}`;
  return printable(`${kind}${target === "" ? "" : ` ${JSON.stringify(target)}`}${grant}`);
}

function labelled(label: string, lines: readonly string[]): string[][] {
  return lines.length === 0 ? [[label, "none"]] : lines.map((line, at) => [at === 0 ? label : "", line]);
}
