import type { Plugin, PluginFactory, PluginSettings } from "../plugin.ts";
import { isPlugin, problemsOf } from "./check_plugin.ts";
import { MemberPlaces } from "./member_places.ts";
import { type PluginRemark, type UnknownMember, unknownMembers } from "./members.ts";

/** A plugin inside the executable. */
interface BuiltinModule {
  readonly default: Plugin | PluginFactory;
  /** Rejects where its `start` would, for what the config does not grant; does nothing else of it. */
  readonly checkGrants?: (settings: PluginSettings) => void | Promise<void>;
}

/** By the name after `builtin:`. */
const BUILTIN: { readonly [name: string]: () => Promise<BuiltinModule> } = {
  echo: () => import("../../plugins/echo.ts"),
  exec: () => import("../../plugins/exec.ts"),
  kv: () => import("../../plugins/kv.ts"),
  skeleton: () => import("../../plugins/skeleton.ts"),
  sql: () => import("../../plugins/sql.ts"),
  webhook: () => import("../../plugins/webhook.ts"),
};

/** The names of the modules inside the executable: `builtin:echo`. */
export const BUILTIN_MODULES: readonly string[] = Object.keys(BUILTIN).map((name) => `builtin:${name}`);

/** A module that is no plugin: all that keeps it from being one. */
export class PluginLoadError extends Error {
  override readonly name = "PluginLoadError";
  /** Each with the place where it stands, as far as it is known. */
  readonly problems: readonly string[];

  constructor(...problems: readonly string[]) {
    super(problems.join("\n"));
    this.problems = problems;
  }
}

/** A plugin, and what is said of it that keeps nobody from running it: members that mevent does not know. */
export interface LoadedPlugin {
  readonly plugin: Plugin;
  readonly remarks: readonly LoadRemark[];
}

/** A sentence with the place where it stands. */
export interface LoadRemark {
  readonly text: string;
  /** It is hardly there on purpose. */
  readonly isMistake: boolean;
}

/**
 * Imports `builtin:NAME` or the prepared module at a URL, has the plugin made where it exports a factory, and checks that it
 * is one. Throws PluginLoadError, and whatever the module or its factory throws.
 */
export async function loadPlugin(module: string, settings: PluginSettings): Promise<LoadedPlugin> {
  const exported = (await importModule(module)).default;
  const value: unknown = typeof exported === "function" ? await exported(settings) : exported;
  const places = new MemberPlaces(module);
  const located = ({ message, path }: PluginRemark) => `${places.find(path)}: ${message}`;
  const problems = problemsOf(value);
  const unknown = unknownIn(value);
  if (!isPlugin(value, problems)) throw new PluginLoadError(...[...problems, ...unknown].map(located));
  const remarks = unknown.map((each) => ({ text: located(each), isMistake: each.isMistake }));
  return { plugin: value, remarks };
}

/** Rejects where the config does not grant what a built-in plugin needs; of other modules nothing is known. */
export async function checkBuiltinGrants(module: string, settings: PluginSettings): Promise<void> {
  await (await BUILTIN[module.replace(/^builtin:/, "")]?.())?.checkGrants?.(settings);
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

/** What cannot be looked at keeps no plugin from being run. */
function unknownIn(value: unknown): readonly UnknownMember[] {
  try {
    return typeof value === "object" && value !== null ? unknownMembers(value) : [];
  } catch {
    return [];
  }
}
