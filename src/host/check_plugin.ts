import type { Plugin } from "../plugin.ts";
import { wrongWithBatch } from "./batch_bounds.ts";
import { timerProblems } from "./check_timers.ts";
import type { PluginRemark } from "./members.ts";

/** The first command number that is a plugin's own. */
const FIRST_COMMAND = 1001;
const LAST_COMMAND = 65535;

/** All that keeps a module's default export from being a plugin. */
export function problemsOf(value: unknown): PluginRemark[] {
  if (!isObject(value)) {
    const message = "the default export is missing or no plugin; export default { name, commands }";
    return [{ message, path: ["default"] }];
  }
  const problems: PluginRemark[] = [];
  const wrong = (message: string, ...path: string[]) => void problems.push({ message, path });
  if (typeof value.name !== "string" || value.name === "") {
    wrong("`name` is missing; give the plugin a name", "name" in value ? "name" : "default");
  }
  if (!isWholeOrAbsent(value.biz, 1, 65535)) wrong("`biz` is not a whole number from 1 to 65535", "biz");
  if (!isWholeOrAbsent(value.concurrency, 1, 65536)) {
    wrong("`concurrency` is not a whole number from 1 to 65536", "concurrency");
  }
  if (!isTextOrAbsent(value.description)) wrong("`description` is no text", "description");
  if (!isObject(value.commands)) {
    const place = "commands" in value ? "commands" : "default";
    wrong("`commands` is missing; list them as { 1001: { name, run } }", place);
  } else {
    for (const [number, command] of Object.entries(value.commands)) {
      problems.push(...commandProblems(number, command));
    }
  }
  if (value.sync !== undefined && typeof value.sync !== "boolean") {
    wrong("`sync` is not true or false", "sync");
  }
  problems.push(...timerProblems(value.timers));
  for (const hook of ["start", "stop", "health"] as const) {
    if (value[hook] !== undefined && typeof value[hook] !== "function") {
      wrong(`\`${hook}\` is no function`, hook);
    }
  }
  return problems;
}

/** Whether {@link problemsOf} finds nothing. */
export function isPlugin(value: unknown, problems: readonly PluginRemark[]): value is Plugin {
  return isObject(value) && problems.length === 0;
}

function commandProblems(number: string, command: unknown): PluginRemark[] {
  const problems: PluginRemark[] = [];
  const wrong = (message: string, ...path: string[]) =>
    void problems.push({ message, path: ["commands", number, ...path] });
  if (!isWholeOrAbsent(Number(number), FIRST_COMMAND, LAST_COMMAND)) {
    wrong(`command ${number} is not a number from ${FIRST_COMMAND} to ${LAST_COMMAND}`);
  }
  if (!isObject(command)) {
    wrong(`command ${number} is no object; give it a \`name\` and a \`run\` function`);
    return problems;
  }
  const { name, run, batch, runBatch, params } = command;
  const method = batch === undefined ? "run" : "runBatch";
  if (typeof name !== "string" || typeof (batch === undefined ? run : runBatch) !== "function") {
    wrong(`command ${number} needs a \`name\` and a \`${method}\` function`);
  }
  if (batch === undefined && runBatch !== undefined) {
    wrong(`command ${number} has \`runBatch\` and no \`batch\`; give it { max, wait }`, "runBatch");
  }
  if (batch !== undefined && run !== undefined) {
    wrong(`command ${number} has \`run\` and \`batch\`; a batch command has \`runBatch\` alone`, "run");
  }
  if (params !== undefined && !isSchema(params)) {
    wrong(
      `command ${number} has \`params\` that are no schema: they are to implement Standard Schema v1, as valibot, zod and ` +
        "arktype do",
      "params",
    );
  }
  const problem = batch === undefined ? null : wrongWithBatch(batch);
  if (problem !== null) wrong(`command ${number} has a \`batch\` that ${problem}`, "batch");
  if (!isTextOrAbsent(command.description)) {
    wrong(`the \`description\` of command ${number} is no text`, "description");
  }
  if (command.idempotent !== undefined && typeof command.idempotent !== "boolean") {
    wrong(`\`idempotent\` of command ${number} is not true or false`, "idempotent");
  }
  return problems;
}

/** Schemas of some libraries are functions. */
function isSchema(value: unknown): boolean {
  if (!isObject(value) && typeof value !== "function") return false;
  const standard = (value as Record<string, unknown>)["~standard"];
  return isObject(standard) && standard.version === 1 && typeof standard.validate === "function";
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function isTextOrAbsent(value: unknown): boolean {
  return value === undefined || typeof value === "string";
}

function isWholeOrAbsent(value: unknown, least: number, most: number): boolean {
  if (value === undefined) return true;
  return typeof value === "number" && Number.isInteger(value) && value >= least && value <= most;
}
