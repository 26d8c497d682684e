import type { LoadRun } from "../../loadgen/run.ts";
import type { JsonObject } from "../../plugin.ts";
import { ReplyCode, replyName } from "../../protocol/codes.ts";
import { latencyChart } from "./chart.ts";
import type { BenchJob } from "./job.ts";
import { labelled } from "./table.ts";
import { ExitCode } from "../exit_codes.ts";
import type { Io } from "../io.ts";
import { sendOutcome } from "../send/outcome.ts";
import { countText, microsecondsText } from "../stats/units.ts";

const QUANTILES = [["p50", 0.5], ["p90", 0.9], ["p99", 0.99], ["p99_9", 0.999]] as const;

/** The result as `mevent bench --json` prints it; rates a second, times in µs. */
export function loadJson({ plan }: BenchJob, run: LoadRun): JsonObject {
  const { tally } = run;
  return {
    plugin: plan.plugin,
    command: plan.command,
    mode: plan.sync ? "sync" : "async",
    connections: plan.connections,
    depth: plan.depth,
    body_bytes: plan.body.length,
    seconds: run.elapsedMs / 1000,
    sent: tally.sent,
    operations: tally.replies,
    rate: rate(tally.replies, run),
    ok: tally.ok,
    ok_rate: rate(tally.ok, run),
    busy: tally.count(ReplyCode.Busy),
    codes: Object.fromEntries(tally.codes.map(([code, times]) => [String(code), times])),
    lost: tally.lost,
    unanswered: tally.outstanding,
    stray_replies: tally.stray,
    replies_per_connection: run.shares,
    interrupted: run.interrupted,
    latency_us: {
      ...Object.fromEntries(QUANTILES.map(([name, share]) => [name, quantile(run, share)])),
      max: Math.round(tally.longestUs),
    },
  };
}

/** The result for people; percentiles are within 3%. */
export function loadTable({ plan, target }: BenchJob, run: LoadRun, io: Io): string {
  const { tally } = run;
  const busy = tally.count(ReplyCode.Busy);
  const isMixed = tally.ok > 0 && tally.ok < tally.replies;
  const rows: [string, string][] = [
    ["target", target],
    ["load", `${countText(plan.connections)} connections, ${countText(plan.depth)} deep`],
    ["operations", `${countText(tally.replies)} in ${(run.elapsedMs / 1000).toFixed(2)} s`],
    ["rate", `${rateText(tally.replies, run)}${isMixed ? `, ok ${rateText(tally.ok, run)}` : ""}`],
    ["ok", countText(tally.ok)],
    ...tally.codes.filter(([code]) => code !== ReplyCode.Busy).map(([code, times]): [string, string] => [
      `  ${code}`,
      `${countText(times)} ${replyName(code)}`,
    ]),
    ["busy", countText(busy)],
    ["lost", `${countText(tally.lost)}${tally.lost > 0 ? " with their connection" : ""}`],
  ];
  if (tally.outstanding > 0) rows.push(["unanswered", countText(tally.outstanding)]);
  if (tally.stray > 0) rows.push(["stray", `${countText(tally.stray)} replies to nothing that was asked`]);
  if (tally.replies > 0) {
    const times = QUANTILES.map(([name, share]) =>
      `${name.replace("_", ".")} ${microsecondsText(quantile(run, share))}`
    );
    rows.push(["latency", `${times.join(", ")}, max ${microsecondsText(tally.longestUs)}`]);
  }
  if (plan.connections > 1 && tally.replies > 0) {
    const { least, mean, most } = run.shares;
    rows.push([
      "shares",
      `${countText(least)} to ${countText(most)} a connection, mean ${countText(Math.round(mean))}`,
    ]);
  }
  return labelled(rows) + (tally.replies > 0 ? `\n${latencyChart(tally.times, io)}` : "");
}

/** 0 where all were answered with success; the code of what failed where that is of one kind, else 1. */
export function loadExitCode({ tally, interrupted }: LoadRun): number {
  const kinds = new Set(tally.codes.map(([code]) => sendOutcome(code)));
  if (tally.lost > 0 || (tally.outstanding > 0 && !interrupted)) kinds.add(ExitCode.Unreachable);
  kinds.delete(ExitCode.Ok);
  const [kind] = kinds;
  if (kinds.size === 1 && kind !== undefined) return kind;
  return kinds.size === 0 && !interrupted && tally.stray === 0 ? ExitCode.Ok : ExitCode.Failed;
}

/** In µs; a bucket's top may lie above the longest time itself. */
function quantile({ tally }: LoadRun, share: number): number {
  return Math.round(Math.min(tally.times.quantile(share), tally.longestUs));
}

/** A second. */
function rate(operations: number, run: LoadRun): number {
  return Math.round(operations / Math.max(run.elapsedMs, 1) * 1000);
}

function rateText(operations: number, run: LoadRun): string {
  return `${countText(rate(operations, run))}/s`;
}
