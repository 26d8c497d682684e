import type { PluginConfig } from "../config/config.ts";
import { ConfigError } from "../config/config_error.ts";
import { editedPlugin } from "../config/edited_plugin.ts";
import { ControlRefusal } from "../control/control_request.ts";
import type { LimitEdits, LimitsReport } from "../control/limits_report.ts";
import { ReloadError } from "../control/reload_report.ts";
import { didYouMean } from "../nearest.ts";
import type { RoutedPlugin } from "../router/routed_plugin.ts";
import { limitsThatDiffer, limitText, PLUGIN_LIMITS, type PluginLimit } from "./plugin_limits.ts";
import { previewReload, reload, type ReloadTarget } from "./reload.ts";

/** No plugin is called so: the module of none is looked at. */
const NO_MODULE = "";

/**
 * Changes limits of one plugin as a reload would that finds them in the config. Rejects with ControlRefusal where they are none, or
 * cannot be had; nothing has changed then.
 */
export async function editLimits(
  target: ReloadTarget,
  name: string,
  edits: LimitEdits,
  isDry: boolean,
): Promise<LimitsReport> {
  const { config, plugins } = target;
  const before = config.plugins.find((each) => each.name === name);
  const routed = plugins.all.find((each) => each.name === name);
  if (before === undefined || routed === undefined) {
    throw new ControlRefusal(`plugin ${name} is being removed`, "conflict");
  }
  const after = edited(before, edits);
  const report = reportOf(routed, before, after);
  if (report.changed.length === 0) return report;
  const wanted = { ...config, plugins: config.plugins.map((each) => each === before ? after : each) };
  try {
    await (isDry ? previewReload : reload)(target, wanted, NO_MODULE);
  } catch (error) {
    throw error instanceof ReloadError ? new ControlRefusal(error.message) : error;
  }
  return report;
}

/** Throws ControlRefusal where a key is none, or a value. */
function edited(config: PluginConfig, edits: LimitEdits): PluginConfig {
  const known = PLUGIN_LIMITS.map(({ key }) => key);
  const problems = Object.keys(edits).filter((key) => !known.includes(key)).map((key) => {
    const like = didYouMean(key, known) || `; there are ${known.join(", ")}`;
    return `unknown limit ${JSON.stringify(key.slice(0, 80))}${like}`;
  });
  if (problems.length > 0) throw new ControlRefusal(problems.join("\n"), "wrong");
  const limits = PLUGIN_LIMITS.filter(({ key }) => Object.hasOwn(edits, key));
  let after: PluginConfig;
  try {
    after = editedPlugin(
      config,
      Object.fromEntries(limits.map((limit) => [limit.key, asWritten(limit, edits[limit.key]!)])),
    );
  } catch (error) {
    throw error instanceof ConfigError ? new ControlRefusal(error.message, "wrong") : error;
  }
  const idle = limits.find(({ read }) => read(after) === undefined);
  if (idle === undefined) return after;
  throw new ControlRefusal(`${idle.key} bounds nothing of plugin ${config.name}, as its config is`, "wrong");
}

/** As a config's file has it: a number of ms with its unit. */
function asWritten({ key, unit }: PluginLimit, value: string | number): string | number {
  if (key === "journal.sync" && Number(value) === 0) return "always";
  if (unit === "ms" && typeof value === "number") return `${value}ms`;
  return unit === "count" && typeof value === "string" && /^\d+$/.test(value) ? Number(value) : value;
}

function reportOf(routed: RoutedPlugin, before: PluginConfig, after: PluginConfig): LimitsReport {
  const differing = limitsThatDiffer(before, after);
  const limits = PLUGIN_LIMITS.filter(({ key }) => differing.has(key));
  const textOf = ({ read, unit }: PluginLimit, config: PluginConfig) => {
    const amount = read(config);
    return amount === undefined ? "the module's own" : limitText(amount, unit);
  };
  return {
    plugin: after.name,
    changed: limits.map((limit) => ({
      key: limit.key,
      before: textOf(limit, before),
      after: textOf(limit, after),
    })),
    notes: limits.length === 0 ? ["nothing differs from what counts now"] : [
      "the config's file keeps its values: the next reload, or start, brings them back",
      ...limits.every(({ live }) => live)
        ? []
        : ["its workers are replaced: those of before finish what they run"],
      ...consequences(routed, after),
    ],
  };
}

/** What smaller bounds do to what is there. */
function* consequences(
  { queue, pool, cache, dedup, results }: RoutedPlugin,
  after: PluginConfig,
): Iterable<string> {
  if (queue.ops >= after.queue.maxOps || queue.bytes >= after.queue.maxBytes) {
    yield `the queue holds ${queue.ops} operations in ${queue.bytes} bytes: they stay, and further ones are answered 21 until there is room`;
  }
  const rows: [what: string, now: number, most: number][] = [
    ["dead letters", pool.dead.count, after.dead.maxOps],
    ["entries of the cache", cache.entries, after.cache.maxEntries],
    ["keys", dedup.keys, after.dedup.window === 0 ? 0 : after.dedup.maxKeys],
    ["results", results?.store.ops ?? 0, after.results.keep === 0 ? 0 : after.results.maxOps],
  ];
  for (const [what, now, most] of rows) {
    if (now > most) yield `${now - most} of ${now} ${what} are forgotten, the oldest first`;
  }
  const bytes: [what: string, now: number, most: number][] = [
    ["dead letters", pool.dead.bytes, after.dead.maxBytes],
    ["cache entries", cache.bytes, after.cache.maxBytes],
    ["results", results?.store.bytes ?? 0, after.results.maxBytes],
  ];
  for (const [what, now, most] of bytes) {
    if (now > most) yield `the ${what} have ${now} bytes: the oldest are forgotten until they have ${most}`;
  }
}
