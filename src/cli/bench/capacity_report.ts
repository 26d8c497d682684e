import type { JsonObject } from "../../plugin.ts";
import type { CapacityJob } from "./job.ts";
import type { CapacityRound } from "./capacity_measure.ts";
import type { Bound, Burst, CapacityPlan } from "./capacity_plan.ts";
import { columns, labelled } from "./table.ts";
import { bytesText, countOf, countText, uptimeText } from "../stats/units.ts";

/** An intake over less than this is mostly the start of it, in ms. */
const SHORT_INTAKE_MS = 200;
/** From here on minutes read better than seconds. */
const LONG_SECONDS = 120;

/** All that is printed of a capacity measurement. */
export interface CapacityReport {
  readonly job: CapacityJob;
  readonly round: CapacityRound;
  readonly capacity: CapacityPlan;
}

/** As `mevent bench --capacity --json` prints it: rates a second, times in seconds, null for never. */
export function capacityJson({ job, round, capacity }: CapacityReport): JsonObject {
  const { figures, load } = round;
  return {
    plugin: job.plan.plugin,
    command: job.plan.command,
    body_bytes: job.plan.body.length,
    intake_rate: Math.round(figures.intakeRate),
    intake_operations: load.tally.ok,
    intake_seconds: load.elapsedMs / 1000,
    work_off_rate: Math.round(figures.workOffRate),
    work_off_at_least: round.workOffAtLeast,
    bytes_per_operation: figures.bytesPerOperation,
    bytes_measured: round.bytesMeasured,
    max_ops: figures.maxOps,
    max_bytes: figures.maxBytes,
    max_queue_bytes: figures.maxQueueBytes,
    other_queue_bytes: figures.otherQueueBytes,
    disk: figures.disk === null ? null : {
      bytes_per_operation: figures.disk.bytesPerOperation,
      disk_bytes: figures.disk.bytes,
      max_disk: figures.disk.maxDisk,
      all_disk_bytes: figures.disk.allBytes,
      all_max_disk: figures.disk.allMaxDisk,
      free_bytes: figures.disk.freeBytes,
      holds_bytes: capacity.holdsDiskBytes,
    },
    holds_operations: capacity.holdsOperations,
    holds_bytes: capacity.holdsBytes,
    first_bound: capacity.firstBound,
    bursts: capacity.bursts.map(({ rate, workingSeconds, deadSeconds, aboveIntake }) => ({
      rate,
      working_seconds: workingSeconds,
      dead_seconds: deadSeconds,
      above_intake: aboveIntake,
    })),
    left: round.left,
    other_operations: round.others,
    interrupted: load.interrupted,
    assumes: assumptions(round, capacity),
  };
}

export function capacityTable({ job, round, capacity }: CapacityReport): string {
  const { figures, load } = round;
  const bound = (name: Bound, text: string) => {
    const first = name === capacity.firstBound ? "  <- reached first" : "";
    return [name, `${text}${first}`] as const;
  };
  const inBytes = (name: Bound, bytes: number) => {
    const operations = capacity.bounds[name];
    return operations === undefined
      ? []
      : [bound(name, `${bytesText(bytes)}, ${countText(operations)} operations`)];
  };
  const { disk } = figures;
  return labelled([
    ["target", job.target],
    [
      "intake",
      `${countText(Math.round(figures.intakeRate))}/s: ${countText(load.tally.ok)} operations in ` +
      `${(load.elapsedMs / 1000).toFixed(2)} s, each acknowledged`,
    ],
    ["work-off", `${round.workOffAtLeast ? "at least " : ""}${countText(Math.round(figures.workOffRate))}/s`],
    [
      "operation",
      `${figures.bytesPerOperation.toFixed(0)} bytes in the queue${round.bytesMeasured ? "" : ", computed"}` +
      (disk === null ? "" : `, ${countText(disk.bytesPerOperation)} on disk`),
    ],
    bound("max_ops", `${countText(figures.maxOps)} operations`),
    ...inBytes("max_bytes", figures.maxBytes),
    ...inBytes("max_queue_bytes", figures.maxQueueBytes),
    ...disk === null ? [] : [
      ...inBytes("journal.max_disk", disk.maxDisk),
      ...inBytes("server.max_disk", disk.allMaxDisk),
      ...inBytes("disk", disk.freeBytes ?? 0),
    ],
    [
      "holds",
      `${countText(capacity.holdsOperations)} operations in ` +
      bytesText(disk === null ? capacity.holdsBytes : capacity.holdsDiskBytes),
    ],
  ]) + `\nAbsorbed before BUSY:\n` + columns([
    ["burst", "plugin works", "plugin is dead"],
    ...capacity.bursts.map(burstRow),
  ]) + `\nAssumes:\n` + assumptions(round, capacity).map((text) => `- ${text}\n`).join("");
}

function burstRow({ rate, workingSeconds, deadSeconds, aboveIntake }: Burst): string[] {
  return [
    `${countText(rate)}/s${aboveIntake ? " (above intake)" : ""}`,
    workingSeconds === null ? "no BUSY" : secondsText(workingSeconds),
    secondsText(deadSeconds),
  ];
}

/** What has to hold for the table to come true. */
function assumptions(
  { figures, load, workOffAtLeast, bytesMeasured, others }: CapacityRound,
  { bursts }: CapacityPlan,
): string[] {
  const texts = [
    "the burst finds this queue empty, and the other queues as full as they were",
    "operations as large as the ones sent, and as much work",
    others === 0
      ? "nothing else used the plugin while it was measured"
      : `the plugin had ${countOf(others, "operation")} of others meanwhile: its work-off is more than told`,
    "what runs this bench took none of the server's CPUs; where it did, the intake is higher than told",
  ];
  if (figures.disk !== null) {
    texts.push("what has ended leaves the disk in time; files that still hold it count for as long");
  }
  if (bursts.some(({ aboveIntake }) => aboveIntake)) {
    texts.push("above the intake callers wait for the server: the queue fills no faster");
  }
  if (workOffAtLeast) texts.push("the work-off is what was seen; the queue was empty too soon to tell more");
  if (!bytesMeasured) {
    texts.push("the bytes of an operation are computed: too few were queued to measure them");
  }
  if (load.elapsedMs < SHORT_INTAKE_MS) {
    const ms = Math.round(load.elapsedMs);
    texts.push(`the intake lasted ${ms} ms only and may be higher; a longer --wait allows more operations`);
  }
  return texts;
}

/** `450 ms`, `12.3 s`, `5 min 3 s`, `4 h 5 min`. */
function secondsText(seconds: number): string {
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  return seconds < LONG_SECONDS ? `${seconds.toFixed(1)} s` : uptimeText(seconds);
}
