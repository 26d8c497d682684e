/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
import { writeBigints } from "../exact_json.ts";
import { originalNames } from "../modules/original_names.ts";
import type { Plugin } from "../plugin.ts";
import { confine } from "../host/confine.ts";
import { fence } from "../host/fence.ts";
import { durationText } from "../host/duration.ts";
import { loadFailure } from "../host/load_failure.ts";
import { checkBuiltinGrants, loadPlugin, PluginLoadError } from "../host/loader.ts";
import { askedFor, missingGrant } from "../host/missing_grant.ts";
import { scheduleOf } from "../host/schedule.ts";
import { cut, tellBy, toldText } from "../text_of.ts";
import type { Inspection, InspectMessage, PluginDescription, Refusal } from "./inspection.ts";

// The entry of the worker that loads a plugin only to tell what it is.

/** More of them are not told. */
const MAX_REFUSALS = 100;
/** Longest sentence, in UTF-16 units. */
const MAX_TEXT = 1024;

self.onmessage = async ({ data }: MessageEvent<InspectMessage>) => {
  self.onmessage = null;
  writeBigints();
  const { module, settings, grants, readable, original, port } = data;
  tellBy({
    text: original === null ? (text) => text : originalNames(original),
    missing: (thrown) => missingGrant(thrown, settings.name, grants),
  });
  const refused = new Map<string, Refusal>();
  recordRefusals((message) => {
    const asked = askedFor(message);
    if (asked === undefined || refused.size === MAX_REFUSALS) return;
    const { kind, value = "" } = asked;
    refused.set(`${kind} ${value}`, { kind, target: value });
  });
  let plugin: PluginDescription | null = null;
  let problems: readonly string[] = [];
  let warnings: readonly string[] = [];
  try {
    if (readable !== null) confine(readable);
    if (original !== null) fence();
    const loaded = await loadPlugin(module, settings);
    await checkBuiltinGrants(module, settings);
    plugin = describe(loaded.plugin);
    const [mistakes, others] = [true, false].map((isMistake) =>
      loaded.remarks.filter((remark) => remark.isMistake === isMistake).map(({ text }) => told(text))
    );
    problems = mistakes!;
    warnings = others!;
  } catch (error) {
    problems = problemsIn(error);
  }
  port.postMessage({ plugin, problems, warnings, refused: [...refused.values()] } satisfies Inspection);
};

/** All that is wrong with it, where it tells them one by one. */
function problemsIn(thrown: unknown): readonly string[] {
  try {
    if (thrown instanceof PluginLoadError) return thrown.problems.map(told);
    // A line each, of the config of a built-in plugin.
    if (thrown instanceof Error && thrown.name === "SettingsError") {
      return thrown.message.split("\n").map(told);
    }
  } catch {
    // What was thrown is the plugin's.
  }
  return [loadFailure(thrown) || "it throws an error without a message"];
}

function told(text: string): string {
  return cut(toldText(text), MAX_TEXT);
}

/**
 * Tells of each refusal, also of those that the plugin catches: Deno makes a NotCapable of each, whoever asked, and its
 * constructor calls that of the class that it extends.
 */
function recordRefusals(told: (message: string) => void): void {
  class Recorded extends Error {
    constructor(message?: string, options?: ErrorOptions) {
      super(message, options);
      told(String(message));
    }
  }
  Object.setPrototypeOf(Deno.errors.NotCapable, Recorded);
}

function describe(plugin: Plugin): PluginDescription {
  return {
    name: plugin.name,
    biz: plugin.biz ?? null,
    description: plugin.description ?? "",
    concurrency: plugin.concurrency ?? 1,
    sync: plugin.sync === true,
    commands: Object.entries(plugin.commands).map(([number, command]) => ({
      number: Number(number),
      name: command.name,
      description: command.description ?? "",
      idempotent: command.idempotent === true,
      schema: command.params !== undefined,
      batch: command.batch === undefined
        ? null
        : { max: command.batch.max, wait: command.batch.wait ? durationText(command.batch.wait) : "0" },
    })),
    timers: (plugin.timers ?? []).map((timer) => ({ name: timer.name, schedule: scheduleOf(timer).text })),
    hooks: (["start", "stop", "health"] as const).filter((hook) => plugin[hook] !== undefined),
  };
}
