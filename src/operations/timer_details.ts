import { CronTimes } from "../host/cron_times.ts";
import type { TimerReport } from "../ring/messages.ts";
import type { RoutedPlugin } from "../router/routed_plugin.ts";
import { ControlRefusal } from "./control_refusal.ts";
import type { TimerDetails } from "./told.ts";

/** Runs to come that are told. */
const NEXT_RUNS = 10;

/** The timers of plugins, and how they are. */
export function timersOf(
  plugins: readonly RoutedPlugin[],
  seesMessages: (plugin: string) => boolean,
  now: number,
): TimerDetails[] {
  return plugins.flatMap((plugin) =>
    (plugin.pool.declaration?.timers ?? []).map(({ name, schedule }) => {
      const report = reportOf(plugin, name);
      const last = report?.last ?? null;
      const cron = cronOf(schedule);
      const due = report?.dueAt ?? null;
      return {
        plugin: plugin.name,
        name,
        schedule,
        zone: cron?.timeZone ?? null,
        next_at: cron === null ? (due === null ? [] : [Math.round(due)]) : nextOf(cron, now),
        running: report !== null && report.begunAt !== null,
        last: last === null ? null : {
          at: last.at,
          took_ms: last.tookMs,
          outcome: last.outcome,
          message: seesMessages(plugin.name) ? last.message : null,
        },
      };
    })
  );
}

/** Has a timer run now. Throws ControlRefusal where there is none, or it runs nowhere. */
export function runTimer(plugin: RoutedPlugin, name: string, isDry: boolean): "begun" | "running already" {
  const known = plugin.pool.declaration?.timers ?? [];
  if (!known.some((timer) => timer.name === name)) {
    throw new ControlRefusal(
      `plugin ${plugin.name} has no timer ${JSON.stringify(name.slice(0, 80))}; it has ${
        known.map((timer) => timer.name).join(", ").slice(0, 500) || "none"
      }`,
      "unknown",
    );
  }
  const worker = plugin.pool.holders.find(({ runsTimers, timers }) => runsTimers && timers.has(name));
  if (worker === undefined) {
    throw new ControlRefusal(
      `no worker of plugin ${plugin.name} runs its timers at the moment; try again later`,
    );
  }
  if (worker.timers.get(name)!.begunAt !== null) return "running already";
  if (!isDry) worker.post({ kind: "run timer", name });
  return "begun";
}

/** That of the worker that runs it, else the newest of those that did. */
function reportOf({ pool }: RoutedPlugin, name: string): TimerReport | null {
  let newest: TimerReport | null = null;
  for (const { runsTimers, timers } of pool.holders) {
    const report = timers.get(name);
    if (report === undefined) continue;
    if (runsTimers) return report;
    if (newest === null || (report.last?.at ?? 0) > (newest.last?.at ?? 0)) {
      newest = { ...report, begunAt: null, dueAt: null };
    }
  }
  return newest;
}

/** `cron 0 3 * * * Europe/Berlin`; null where it is none. */
function cronOf(schedule: string): CronTimes | null {
  const [, expression, zone = ""] = /^cron (.+) (\S+)$/.exec(schedule) ?? [];
  return expression === undefined ? null : new CronTimes(expression, zone);
}

function nextOf(cron: CronTimes, now: number): number[] {
  const next: number[] = [];
  for (let at = cron.after(now); at !== null && next.length < NEXT_RUNS; at = cron.after(at)) next.push(at);
  return next;
}
