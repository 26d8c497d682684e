import { BYTE_UNITS, formatAmount, TIME_UNITS } from "../amount.ts";
import type { PluginConfig } from "../config/config.ts";
import type { Limit } from "../admin/api.ts";
import type { Told } from "../admin/told.ts";

/** A limit of a plugin: where it is in the config, and whether workers go on when it changes. */
export interface PluginLimit extends Pick<Limit, "key" | "unit" | "live" | "description"> {
  /** In ms, bytes, or as it stands; undefined where the config leaves it to the module. */
  readonly read: (config: PluginConfig) => number | undefined;
}

/** All that bounds a plugin, as `config.example.toml` has it. */
export const PLUGIN_LIMITS: readonly PluginLimit[] = [
  live("queue.max_ops", "count", "operations that may be pending", (c) => c.queue.maxOps),
  live("queue.max_bytes", "bytes", "bytes of them", (c) => c.queue.maxBytes),
  live("ttl", "ms", "an operation that waited longer is not run; 0 is for ever", (c) => c.ttl),
  live("max_delay", "ms", "the longest delay that a caller may ask for; 0 is none", (c) => c.maxDelay),
  live("retry.max_attempts", "count", "attempts in all", (c) => c.retry.maxAttempts),
  live("retry.backoff", "ms", "before the second attempt, then doubled", (c) => c.retry.backoff),
  live("retry.max_backoff", "ms", "up to so long", (c) => c.retry.maxBackoff),
  live("dead.max_ops", "count", "dead letters that are kept", (c) => c.dead.maxOps),
  live("dead.max_bytes", "bytes", "bytes of them", (c) => c.dead.maxBytes),
  live("dedup.window", "ms", "how long a key is remembered; 0 is not at all", (c) => c.dedup.window),
  live("dedup.max_keys", "count", "keys that are known", (c) => c.dedup.maxKeys),
  live("dedup.max_bytes", "bytes", "bytes of them", (c) => c.dedup.maxBytes),
  live("results.keep", "ms", "how long results can be asked for; 0 is not at all", (c) => c.results.keep),
  live("results.max_ops", "count", "results that are kept", (c) => c.results.maxOps),
  live("results.max_bytes", "bytes", "bytes of them", (c) => c.results.maxBytes),
  live("cache.max_entries", "count", "entries of the cache", (c) => c.cache.maxEntries),
  live("cache.max_bytes", "bytes", "bytes of it", (c) => c.cache.maxBytes),
  live(
    "journal.max_disk",
    "bytes",
    "what the journal's files may take",
    (c) => ofJournal(c, c.journal.maxDisk),
  ),
  live(
    "journal.sync",
    "ms",
    "written operations are synced after so long; 0 is before they count",
    (c) => ofJournal(c, c.journal.sync),
  ),
  settled("workers", "count", "workers at most", (c) => c.workers),
  settled("concurrency", "count", "operations that a worker runs at once", (c) => c.concurrency),
  settled(
    "timeout",
    "ms",
    "after it an operation's signal fires and its caller is answered",
    (c) => c.timeout,
  ),
  settled("grace", "ms", "what it gets to end in before its worker is ended", (c) => c.grace),
  settled(
    "health_interval",
    "ms",
    "the plugin's health is asked for this often; 0 is never",
    (c) => c.healthInterval,
  ),
  settled(
    "max_memory",
    "bytes",
    "what a child process may use; 0 is no bound",
    (c) => c.isolation === "process" ? c.maxMemory : undefined,
  ),
  settled(
    "recycle_after",
    "count",
    "a worker is replaced after so many operations; 0 is never",
    (c) => c.recycleAfter,
  ),
];

/** The keys whose values are others in one config of a plugin than in another. */
export function limitsThatDiffer(a: PluginConfig, b: PluginConfig): Set<string> {
  return new Set(PLUGIN_LIMITS.filter(({ read }) => read(a) !== read(b)).map(({ key }) => key));
}

/** The limits of a plugin as they count now. @param edited keys of those that were changed since the config was read */
export function limitsOf(config: PluginConfig, edited: ReadonlySet<string>): Told<Limit>[] {
  return PLUGIN_LIMITS.flatMap(({ read, ...limit }): Told<Limit>[] => {
    const amount = read(config);
    if (amount === undefined) return [];
    return [{ ...limit, value: limitText(amount, limit.unit), amount, edited: edited.has(limit.key) }];
  });
}

/** An amount as the config writes it. */
export function limitText(amount: number, unit: Limit["unit"]): string | number {
  if (unit === "count") return amount;
  return formatAmount(amount, unit === "ms" ? TIME_UNITS : BYTE_UNITS, unit === "ms" ? "" : " ");
}

function ofJournal({ durability }: PluginConfig, value: number): number | undefined {
  return durability === "journal" ? value : undefined;
}

function live(key: string, unit: Limit["unit"], description: string, read: PluginLimit["read"]): PluginLimit {
  return { key, unit, live: true, description, read };
}

/** Workers are made with it: a change replaces them. */
function settled(
  key: string,
  unit: Limit["unit"],
  description: string,
  read: PluginLimit["read"],
): PluginLimit {
  return { key, unit, live: false, description, read };
}
