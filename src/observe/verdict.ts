import {
  type Finding,
  type FindingKind,
  type FindingLevel,
  LEVELS,
  MAX_FINDINGS,
  type Recent,
  type Verdict,
} from "./finding.ts";
import type { PluginStats, ServerStats } from "./server_stats.ts";

/** Share of failures in the last minute. */
const BAD_SHARE = 0.1;
const WARN_SHARE = 0.01;
/** Of so many operations at least, or one failure would be news. */
const FEWEST = 10;
const MINUTE_MS = 60_000;
const BAD_WAIT_MS = 10 * MINUTE_MS;
/** Work that waits for so long while no worker runs. */
const NO_WORKER_MS = 2000;
const FULL_SOON_MS = 10 * MINUTE_MS;
/** What is nearly empty and grows is no news. */
const LEAST_FILL = 0.1;
const SLOW_LOOP_MS = 500;
const CERTIFICATE_DAYS = 14;
const DAY_S = 86_400;

/** What is looked at. */
type Judged = Pick<
  ServerStats,
  "state" | "queue_level" | "disk_level" | "tls" | "forwards" | "loop" | "plugins"
>;
type Amounts = Partial<Pick<Finding, "share" | "ms" | "since_at">>;

/** What is not as it should be, of figures and what is known of each plugin's last minutes. */
export function verdictOf(
  stats: Judged,
  recent: (plugin: string) => Recent | null,
): Verdict {
  const all = [
    ...ofServer(stats),
    ...stats.plugins.flatMap((plugin) => ofPlugin(plugin, recent(plugin.name))),
  ].sort((a, b) => LEVELS.indexOf(a.level) - LEVELS.indexOf(b.level));
  const [worst] = all;
  return {
    state: worst === undefined || worst.level === "note" ? "well" : worst.level,
    findings: all.slice(0, MAX_FINDINGS),
    more: Math.max(0, all.length - MAX_FINDINGS),
  };
}

function ofServer(stats: Judged): Finding[] {
  const { found, add } = collecting(null);
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
  const held = stats.loop.delay_us_last_minute.max / 1000;
  if (held >= SLOW_LOOP_MS) add("slow_loop", "warn", {}, { ms: Math.round(held) });
  return found;
}

function ofPlugin(plugin: PluginStats, recent: Recent | null): Finding[] {
  const { name, journal, queued, paused, oldest_wait_ms: oldest } = plugin;
  const { found, add } = collecting(name);
  if (journal !== null && journal.problem !== null) add("journal", "bad", { problem: journal.problem });
  if (plugin.queue_level === "full") add("full", "bad", { n: queued });
  const isLeft = plugin.workers_running === 0 && queued > 0 && oldest > NO_WORKER_MS && !paused;
  if (plugin.down !== null || isLeft) {
    add("no_worker", "bad", { n: queued, ...plugin.down === null ? {} : { problem: plugin.down } });
  }
  const failing = recent === null ? null : failuresOf(recent);
  if (failing !== null) add("failing", failing.share >= BAD_SHARE ? "bad" : "warn", {}, failing);
  if (plugin.unhealthy_workers > 0 && plugin.down === null) {
    const isEach = plugin.unhealthy_workers >= plugin.workers_running;
    const values = { n: plugin.unhealthy_workers, workers: plugin.workers_running };
    add("unhealthy", isEach ? "bad" : "warn", values);
  }
  const share = fillOf(plugin);
  const fullIn = recent?.full_in_ms ?? null;
  if (plugin.queue_level !== "full") {
    if (fullIn !== null && fullIn <= FULL_SOON_MS && share >= LEAST_FILL) {
      add("full_soon", "warn", {}, { share, ms: fullIn });
    } else if (plugin.queue_level === "warning") add("fills", "warn", {}, { share });
  }
  if (oldest >= MINUTE_MS && !paused) {
    add("oldest", oldest >= BAD_WAIT_MS ? "bad" : "warn", {}, { ms: oldest });
  }
  if (plugin.moved || plugin.leaked_threads > 0) add("spinning", "warn");
  if (journal !== null && journal.problem === null && journal.cleanup_problem !== null) {
    add("cleanup", "warn", { problem: journal.cleanup_problem });
  }
  if (paused && queued > 0) add("paused", "warn", { n: queued });
  else if (paused) add("paused_empty", "note");
  if (plugin.dead > 0) add("dead", "note", { n: plugin.dead });
  return found;
}

function collecting(plugin: string | null) {
  const found: Finding[] = [];
  const add = (
    kind: FindingKind,
    level: FindingLevel,
    values: Finding["values"] = {},
    amounts: Amounts = {},
  ) => {
    const own = plugin === null ? values : { plugin, ...values };
    found.push({ kind, level, plugin, values: own, share: null, ms: null, since_at: null, ...amounts });
  };
  return { found, add };
}

/** How full its queue is, by what is nearer to its bound. */
function fillOf(
  { queued, in_flight, delayed, retrying, max_ops, queue_bytes, max_bytes }: PluginStats,
): number {
  return Math.max((queued + in_flight + delayed + retrying) / max_ops, queue_bytes / max_bytes);
}

/** Failures of the last minute, and since when there are some without a minute in between that had none. */
function failuresOf(recent: Recent): { readonly share: number; readonly since_at: number | null } | null {
  const { step_ms, end_at, done_per_second: done, failed_per_second: failed } = recent;
  const { length } = failed;
  const steps = Math.max(1, Math.round(MINUTE_MS / step_ms));
  let [ended, wrong] = [0, 0];
  for (let at = Math.max(0, length - steps); at < length; at++) {
    wrong += (failed[at] ?? 0) * step_ms / 1000;
    ended += ((done[at] ?? 0) + (failed[at] ?? 0)) * step_ms / 1000;
  }
  if (ended < FEWEST || wrong / ended < WARN_SHARE) return null;
  let first = length;
  for (let at = length - 1, quiet = 0; at >= 0 && quiet < steps; at--) {
    if ((failed[at] ?? 0) > 0) [first, quiet] = [at, 0];
    else quiet++;
  }
  return { share: wrong / ended, since_at: first === 0 ? null : end_at - (length - 1 - first) * step_ms };
}
