import type { Plugin, PluginFactory, PluginSettings } from "../plugin.ts";
import { wrongWithBatch } from "./batch_bounds.ts";
import { timersProblem } from "./check_timers.ts";

/** Plugins inside the executable, by the name after `builtin:`. */
const BUILTIN: { readonly [name: string]: () => Promise<{ default: Plugin | PluginFactory }> } = {
  echo: () => import("../../plugins/echo.ts"),
  exec: () => import("../../plugins/exec.ts"),
  kv: () => import("../../plugins/kv.ts"),
  skeleton: () => import("../../plugins/skeleton.ts"),
  sql: () => import("../../plugins/sql.ts"),
  webhook: () => import("../../plugins/webhook.ts"),
};

/** The names of the modules inside the executable: `builtin:echo`. */
export const BUILTIN_MODULES: readonly string[] = Object.keys(BUILTIN).map((name) => `builtin:${name}`);

/** The first command number that is a plugin's own. */
const FIRST_COMMAND = 1001;
const LAST_COMMAND = 65535;

/** A module that is no plugin. */
export class PluginLoadError extends Error {
  override readonly name = "PluginLoadError";
}

/**
 * Imports `builtin:NAME` or the prepared module at a URL, has the plugin made where it exports a factory, and checks that it
 * is one. Throws PluginLoadError, and whatever the module or its factory throws.
 */
export async function loadPlugin(module: string, settings: PluginSettings): Promise<Plugin> {
  const exported = (await importModule(module)).default;
  return checkPlugin(module, typeof exported === "function" ? await exported(settings) : exported);
}

async function importModule(module: string): Promise<{ default?: unknown }> {
  if (!module.startsWith("builtin:")) return await import(module);
  const load = BUILTIN[module.slice("builtin:".length)];
  if (load === undefined) {
    throw new PluginLoadError(
      `there is no built-in plugin ${module}; there are ${BUILTIN_MODULES.join(", ")}`,
    );
  }
  return await load();
}

function checkPlugin(module: string, value: unknown): Plugin {
  const wrong = (what: string) => new PluginLoadError(`${module}: ${what}`);
  if (!isObject(value)) {
    throw wrong("the default export is missing or no plugin; export default { name, commands }");
  }
  if (typeof value.name !== "string" || value.name === "") {
    throw wrong("`name` is missing; give the plugin a name");
  }
  if (!isWholeOrAbsent(value.biz, 1, 65535)) throw wrong("`biz` is not a whole number from 1 to 65535");
  if (!isWholeOrAbsent(value.concurrency, 1, 65536)) {
    throw wrong("`concurrency` is not a whole number from 1 to 65536");
  }
  if (!isTextOrAbsent(value.description)) throw wrong("`description` is no text");
  if (!isObject(value.commands)) throw wrong("`commands` is missing; list them as { 1001: { name, run } }");
  for (const [number, command] of Object.entries(value.commands)) {
    if (!isWholeOrAbsent(Number(number), FIRST_COMMAND, LAST_COMMAND)) {
      throw wrong(`command ${number} is not a number from ${FIRST_COMMAND} to ${LAST_COMMAND}`);
    }
    if (!isObject(command)) {
      throw wrong(`command ${number} is no object; give it a \`name\` and a \`run\` function`);
    }
    const problem = wrongWithCommand(command);
    if (problem !== null) throw wrong(`command ${number} ${problem}`);
    if (!isTextOrAbsent(command.description)) {
      throw wrong(`the \`description\` of command ${number} is no text`);
    }
    if (command.idempotent !== undefined && typeof command.idempotent !== "boolean") {
      throw wrong(`\`idempotent\` of command ${number} is not true or false`);
    }
  }
  if (value.sync !== undefined && typeof value.sync !== "boolean") throw wrong("`sync` is not true or false");
  const problem = timersProblem(value.timers);
  if (problem !== null) throw wrong(problem);
  for (const hook of ["start", "stop", "health"] as const) {
    if (value[hook] !== undefined && typeof value[hook] !== "function") {
      throw wrong(`\`${hook}\` is no function`);
    }
  }
  return value as unknown as Plugin;
}

/** A sentence on what keeps a command from being called, or null. */
function wrongWithCommand({ name, run, batch, runBatch, params }: Record<string, unknown>): string | null {
  const method = batch === undefined ? "run" : "runBatch";
  if (typeof name !== "string" || typeof (batch === undefined ? run : runBatch) !== "function") {
    return `needs a \`name\` and a \`${method}\` function`;
  }
  if (batch === undefined && runBatch !== undefined) {
    return "has `runBatch` and no `batch`; give it { max, wait }";
  }
  if (batch !== undefined && run !== undefined) {
    return "has `run` and `batch`; a batch command has `runBatch` alone";
  }
  if (params !== undefined && !isSchema(params)) {
    return "has `params` that are no schema: they are to implement Standard Schema v1, as valibot, zod and arktype do";
  }
  const problem = batch === undefined ? null : wrongWithBatch(batch);
  return problem === null ? null : `has a \`batch\` that ${problem}`;
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
