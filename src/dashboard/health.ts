import type { Spark, Stats } from "../admin/api.ts";
import type { Values } from "./translate.ts";

/** How bad it is: `bad` loses or refuses work now, `warn` will, `note` is as somebody wanted it. */
export type Level = "bad" | "warn" | "note";

/** What can be wrong; `finding.KIND` and `advice.KIND` are its texts. */
export type FindingKind =
  | "stopping"
  | "starting"
  | "server_full"
  | "disk_full"
  | "journal"
  | "full"
  | "no_worker"
  | "failing"
  | "unhealthy"
  | "fills"
  | "oldest"
  | "spinning"
  | "certificate"
  | "forward"
  | "cleanup"
  | "paused"
  | "paused_empty"
  | "dead";

/** One thing that is not as it should be. */
export interface Finding {
  readonly kind: FindingKind;
  readonly level: Level;
  /** Null is the server itself. */
  readonly plugin: string | null;
  readonly values: Values;
  /** Amounts that the texts show: a share, a duration, since when. */
  readonly share?: number;
  readonly ms?: number;
  readonly sinceAt?: number | null;
}

type Plugin = Stats["plugins"][number];

const ORDER: readonly Level[] = ["bad", "warn", "note"];
/** Share of failures in the last minute. */
const BAD_SHARE = 0.1;
const WARN_SHARE = 0.01;
/** Of so many operations at least, or one failure would be news. */
const FEWEST = 10;
const MINUTE_MS = 60_000;
const BAD_WAIT_MS = 10 * MINUTE_MS;
const CERTIFICATE_DAYS = 14;
const DAY_S = 86_400;

/** What is not as it should be, the worst first. */
export function findings(stats: Stats, sparks: { readonly [plugin: string]: Spark } | undefined): Finding[] {
  const found = [
    ...ofServer(stats),
    ...stats.plugins.flatMap((plugin) => ofPlugin(plugin, sparks?.[plugin.name])),
  ];
  return found.sort((a, b) => ORDER.indexOf(a.level) - ORDER.indexOf(b.level));
}

/** The worst of a plugin's; null where all is well. */
export function worstOf(all: readonly Finding[], plugin: string): Finding | null {
  return all.find((each) => each.plugin === plugin) ?? null;
}

/** Names of the plugins, the sick ones first, then by name. */
export function sickFirst(stats: Stats, all: readonly Finding[]): string[] {
  const rank = (name: string) => {
    const worst = worstOf(all, name);
    return worst === null ? ORDER.length : ORDER.indexOf(worst.level);
  };
  return stats.plugins.map(({ name }) => name).sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
}

function ofServer(stats: Stats): Finding[] {
  const found: Finding[] = [];
  const add = (kind: FindingKind, level: Level, values: Values = {}, more: Partial<Finding> = {}) =>
    found.push({ kind, level, plugin: null, values, ...more });
  if (stats.state === "draining" || stats.state === "stopped") add("stopping", "warn");
  if (stats.state === "starting") add("starting", "warn");
  if (stats.queue_level === "full") add("server_full", "bad");
  else if (stats.queue_level === "warning") add("server_full", "warn");
  if (stats.disk_level === "full") add("disk_full", "bad");
  else if (stats.disk_level === "warning") add("disk_full", "warn");
  for (const { listener, expires_in_seconds: left } of stats.tls.certificates) {
    if (left === null || left > CERTIFICATE_DAYS * DAY_S) continue;
    add("certificate", left <= 0 ? "bad" : "warn", { listener }, { ms: Math.max(0, left) * 1000 });
  }
  for (const { to, connected, names } of stats.forwards) {
    if (!connected) add("forward", "bad", { to, names: names.join(", ") });
  }
  return found;
}

function ofPlugin(plugin: Plugin, spark: Spark | undefined): Finding[] {
  const { name, journal } = plugin;
  const found: Finding[] = [];
  const add = (kind: FindingKind, level: Level, values: Values = {}, more: Partial<Finding> = {}) =>
    found.push({ kind, level, plugin: name, values: { plugin: name, ...values }, ...more });
  if (journal !== null && journal.problem !== null) add("journal", "bad", { problem: journal.problem });
  if (plugin.queue_level === "full") add("full", "bad", { n: plugin.queued });
  if (plugin.workers_running === 0 && plugin.queued > 0 && plugin.oldest_wait_ms > 2000 && !plugin.paused) {
    add("no_worker", "bad", { n: plugin.queued });
  }
  const failing = spark === undefined ? null : failuresOf(spark);
  if (failing !== null) {
    add("failing", failing.share >= BAD_SHARE ? "bad" : "warn", {}, failing);
  }
  if (plugin.unhealthy_workers > 0) {
    add("unhealthy", plugin.unhealthy_workers >= plugin.workers_running ? "bad" : "warn", {
      n: plugin.unhealthy_workers,
      workers: plugin.workers_running,
    });
  }
  if (plugin.queue_level === "warning") {
    add("fills", "warn", {}, { share: plugin.queued / plugin.max_ops });
  }
  if (plugin.oldest_wait_ms >= MINUTE_MS && !plugin.paused) {
    add("oldest", plugin.oldest_wait_ms >= BAD_WAIT_MS ? "bad" : "warn", {}, { ms: plugin.oldest_wait_ms });
  }
  if (plugin.moved || plugin.leaked_threads > 0) add("spinning", "warn");
  if (journal !== null && journal.problem === null && journal.cleanup_problem !== null) {
    add("cleanup", "warn", { problem: journal.cleanup_problem });
  }
  if (plugin.paused) {
    if (plugin.queued > 0) add("paused", "warn", { n: plugin.queued });
    else add("paused_empty", "note");
  }
  if (plugin.dead > 0) add("dead", "note", { n: plugin.dead });
  return found.sort((a, b) => ORDER.indexOf(a.level) - ORDER.indexOf(b.level));
}

/** Failures of the last minute, and since when there are some without a minute in between that had none. */
function failuresOf(spark: Spark): { readonly share: number; readonly sinceAt: number | null } | null {
  const { step_ms, end_at, done_per_second: done, failed_per_second: failed } = spark;
  const seconds = step_ms / 1000;
  const length = failed.length;
  const recent = Math.max(1, Math.round(MINUTE_MS / step_ms));
  let ended = 0;
  let wrong = 0;
  for (let i = Math.max(0, length - recent); i < length; i++) {
    wrong += (failed[i] ?? 0) * seconds;
    ended += ((done[i] ?? 0) + (failed[i] ?? 0)) * seconds;
  }
  if (ended < FEWEST || wrong / ended < WARN_SHARE) return null;
  let first = length;
  for (let i = length - 1, quiet = 0; i >= 0 && quiet < recent; i--) {
    if ((failed[i] ?? 0) > 0) [first, quiet] = [i, 0];
    else quiet++;
  }
  return { share: wrong / ended, sinceAt: first === 0 ? null : end_at - (length - 1 - first) * step_ms };
}
