import { stringifyJson } from "../../exact_json.ts";
import type { JsonObject, JsonValue } from "../../plugin.ts";
import { ControlFolderError } from "../../control/control_path.ts";
import { clientFailure } from "../client_failure.ts";
import type { Flag } from "../flag.ts";
import { CONTROL_ADDRESS_FLAGS, controlAddress, isControlNamed } from "./address.ts";
import { AnswerError, ControlClient, isObject, RefusedError } from "./client.ts";
import { ExitCode } from "../exit_codes.ts";
import type { Io } from "../io.ts";
import type { ParsedCommand } from "../parsed_command.ts";
import { runningServers } from "../running_servers.ts";
import { positiveDuration } from "../server_address.ts";
import { quoted } from "../shell.ts";
import { givenToken, TOKEN_FLAGS } from "../token_flags.ts";
import { UsageError } from "../usage_error.ts";

/** The flags that every control command has. */
export const CONTROL_FLAGS: readonly Flag[] = [
  ...CONTROL_ADDRESS_FLAGS,
  ...TOKEN_FLAGS,
  { name: "timeout", value: "TIME", default: "5s", help: "How long to wait for a sign of the server." },
  { name: "json", help: "Prints the server's answer as one JSON object." },
];

/** Of commands that change something: nothing is done then. */
export const DRY_RUN: Flag = { name: "dry-run", help: "Says what would be done, and does nothing." };

/** What a request says of that. */
export function dryRun(args: ParsedCommand): JsonObject {
  return args.isOn("dry-run") === true ? { dry_run: true } : {};
}

/** What is said behind a line of an answer to that. */
export function notDone(result: JsonObject): string {
  return result["dry_run"] === true ? " (not done)" : "";
}

/** The help of the exit codes, for the commands that have no others. */
export const CONTROL_EXIT_CODES =
  "Exit codes: 0 where it is done; 1 where the server refuses, with its sentence; 69 where it is not to be reached; 64 " +
  "for a wrong command line.";

/** One control command on its way. */
export interface ControlCall {
  readonly request: JsonObject;
  readonly onProgress?: (progress: JsonObject) => void;
  /** What is printed of the answer for people. */
  readonly text: (result: JsonObject) => string;
  /** 0 where it is not given. */
  readonly exitCode?: (result: JsonObject) => number;
}

/** Asks the server, prints its answer and chooses the exit code. */
export async function controlCall(args: ParsedCommand, io: Io, call: ControlCall): Promise<number> {
  const timeoutMs = positiveDuration(args, "timeout");
  try {
    const token = await givenToken(args, io);
    using client = await ControlClient.connect(controlAddress(args, io), timeoutMs, token);
    const result = asObject(await client.call(call.request, call.onProgress));
    const indent = io.stdout.isTerminal ? 2 : 0;
    await io.stdout.write(
      args.isOn("json") ? `${stringifyJson(result, indent)}\n` : call.text(result),
    );
    return call.exitCode?.(result) ?? ExitCode.Ok;
  } catch (error) {
    const exitCode = controlFailure(error);
    if (exitCode === undefined || !(error instanceof Error)) throw error;
    const line = [args.command.name, ...args.positionals.map(quoted)].join(" ");
    const others = await runningServers(error, line, io.env, isControlNamed(args, io));
    await io.stderr.write(`mevent ${args.command.name}: ${error.message}\n${others}`);
    return exitCode;
  }
}

/** The exit code for a control socket that does not do what it is asked; undefined where the error is another. */
export function controlFailure(error: unknown): number | undefined {
  if (error instanceof RefusedError || error instanceof AnswerError) return ExitCode.Failed;
  if (error instanceof ControlFolderError) return ExitCode.Unreachable;
  return clientFailure(error);
}

/** The one argument that names a plugin. Throws UsageError. */
export function pluginArgument({ positionals }: ParsedCommand): string {
  return argumentsOf(positionals, "PLUGIN")[0]!;
}

/** A plugin and, where it is given, the id of an operation. Throws UsageError. */
export function pluginAndId({ positionals }: ParsedCommand): { plugin: string; id: number | undefined } {
  const [plugin = "", id] = positionals.length < 2
    ? argumentsOf(positionals, "PLUGIN")
    : argumentsOf(positionals, "PLUGIN", "ID");
  return { plugin, id: id === undefined ? undefined : idArgument(id) };
}

/** The id of an operation. Throws UsageError. */
export function idArgument(text: string): number {
  const id = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(id)) return id;
  throw new UsageError(`ID: expected the whole number that peek shows, got ${JSON.stringify(text)}`);
}

/** As many arguments as there are names. Throws UsageError. */
export function argumentsOf(positionals: readonly string[], ...names: string[]): readonly string[] {
  const missing = names[positionals.length];
  if (missing !== undefined) throw new UsageError(`${missing} is missing`);
  if (positionals.length === names.length) return positionals;
  throw new UsageError(`unexpected argument ${JSON.stringify(positionals[names.length])}`);
}

/** A field of an answer that is a number; NaN where the server gave none. */
export function numberOf(result: JsonObject, key: string): number {
  const value = result[key];
  return typeof value === "number" ? value : NaN;
}

function asObject(value: JsonValue): JsonObject {
  if (isObject(value)) return value;
  throw new AnswerError("the server's answer is no JSON object: is it of this version?");
}
