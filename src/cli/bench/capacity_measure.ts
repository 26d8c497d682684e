import type { LoadPlan } from "../../loadgen/plan.ts";
import { acceptedBytes } from "../../journal/write_record.ts";
import { LoadRun } from "../../loadgen/run.ts";
import { BodyView } from "../../protocol/body.ts";
import { recordBytes } from "../../queue/record.ts";
import { type CapacityFigures, type DiskFigures, isBoundByMemory } from "./capacity_plan.ts";
import type { QueueLook, QueueWatch } from "./queue_watch.ts";
import { countOf } from "../stats/units.ts";

/** The first round has so many operations, each further one at most so many times more. */
const FIRST_ROUND = 64;
const ROUND_FACTOR = 4;
/** A further round has to be at least so many times as large. */
const WORTHWHILE_FACTOR = 1.25;
/** A queue that is empty after less than this tells no rate, in ms. */
const LEAST_DRAIN_MS = 250;
/** A plugin that has finished this share when the last operation is in keeps up with the intake. */
const KEPT_UP_SHARE = 0.95;
/** The share of each bound that is filled at most. */
const FILL_SHARE = 0.5;
/** The share of the wait that a round is to take. */
const WAIT_SHARE = 0.5;

/** What one round has measured: operations put in, then worked off. */
export interface CapacityRound {
  readonly figures: CapacityFigures;
  readonly load: LoadRun;
  /** The queue was empty too soon to tell: the plugin works off at least so many. */
  readonly workOffAtLeast: boolean;
  /** False where too few operations were queued at a time: the bytes of one are computed then. */
  readonly bytesMeasured: boolean;
  /** Operations of its own that were not worked off when it stopped waiting. */
  readonly left: number;
  /** Operations of others that came in, or whose time came, meanwhile: the figures hold them, too. */
  readonly others: number;
}

/** The queue has no room to measure with, or is not empty. */
export class NoRoomError extends Error {
  override readonly name = "NoRoomError";
}

/**
 * Measures intake and work-off of a plugin, in rounds of more and more operations, so that a slow plugin gets no more
 * than it works off in half of `waitMs`; returns the last round. Throws as LoadRun and QueueWatch do, and NoRoomError.
 */
export async function measureCapacity(
  plan: LoadPlan,
  watch: QueueWatch,
  waitMs: number,
  signal: AbortSignal,
): Promise<CapacityRound> {
  const before = await watch.untilEmpty(waitMs, signal);
  if (before.operations > 0) {
    throw new NoRoomError(
      `the plugin has ${countOf(before.operations, "operation")} of others in its queue, ${
        signal.aborted ? "interrupted" : `and had after ${waitMs / 1000} s`
      }: measure when it has nothing to do, or give it longer with --wait`,
    );
  }
  const most = Math.min(room(before, contentBytes(plan)), plan.count);
  if (most < 1) {
    throw new NoRoomError(
      "the queues have no room to measure with, as no more than half of each bound is filled: measure when other " +
        "queues are less full, or raise max_ops, max_bytes or " +
        (before.plugin.journal === null ? "max_queue_bytes" : "max_disk"),
    );
  }
  let count = Math.min(FIRST_ROUND, most);
  for (;;) {
    const round = await measureRound({ ...plan, count }, watch, before, waitMs, signal);
    const affordable = Math.floor(round.figures.workOffRate * waitMs / 1000 * WAIT_SHARE);
    const next = Math.min(count * ROUND_FACTOR, most, affordable);
    const isEnough = count === most || next < count * WORTHWHILE_FACTOR && next < most ||
      round.load.elapsedMs >= plan.durationMs;
    if (isEnough || round.left > 0 || round.load.tally.ok === 0 || signal.aborted) return round;
    count = next;
  }
}

/** `empty` is a look before all rounds: later the disk may still have files of operations of the bench's own that have ended. */
async function measureRound(
  plan: LoadPlan,
  watch: QueueWatch,
  empty: QueueLook,
  waitMs: number,
  signal: AbortSignal,
): Promise<CapacityRound> {
  const before = await watch.look();
  const load = await LoadRun.connect({ ...plan, connections: Math.min(plan.connections, plan.count) });
  const stop = () => load.stop();
  signal.addEventListener("abort", stop);
  if (signal.aborted) stop();
  const startedAt = performance.now();
  const loading = load.finish();
  try {
    await watch.during(loading);
  } finally {
    // Where the server cannot be looked at any more.
    stop();
    await loading;
    signal.removeEventListener("abort", stop);
  }
  const filled = await watch.look();
  const { ok } = load.tally;
  const end = await watch.untilFinished(before.finished + ok, waitMs, signal);
  const finished = end.finished - before.finished;
  const drainMs = end.at - filled.at;
  const isDrained = drainMs >= LEAST_DRAIN_MS && end.finished > filled.finished;
  const intakeRate = ok / Math.max(load.elapsedMs, 1) * 1000;
  const overallRate = finished / (end.at - startedAt) * 1000;
  const keepsUp = filled.finished - before.finished >= ok * KEPT_UP_SHARE;
  const measured = watch.bytesPerOperation;
  const { plugin, server } = before;
  return {
    figures: {
      intakeRate,
      workOffRate: isDrained
        ? (end.finished - filled.finished) / drainMs * 1000
        : keepsUp
        ? Math.max(overallRate, intakeRate)
        : overallRate,
      bytesPerOperation: measured ?? recordBytes(contentBytes(plan)),
      maxOps: plugin.max_ops,
      maxBytes: plugin.max_bytes,
      maxQueueBytes: server.max_queue_bytes,
      otherQueueBytes: Math.max(0, server.queue_bytes - plugin.queue_bytes),
      disk: diskFigures(empty, contentBytes(plan)),
    },
    load,
    workOffAtLeast: !isDrained,
    bytesMeasured: measured !== undefined,
    left: Math.max(0, ok - finished),
    others: Math.max(0, end.accepted - before.accepted - ok) + Math.max(0, before.parked - end.parked),
  };
}

/** What the plugin's journal has on disk, and what it may have; null where it has none. */
function diskFigures({ plugin, server }: QueueLook, content: number): DiskFigures | null {
  const { journal } = plugin;
  return journal === null ? null : {
    bytesPerOperation: acceptedBytes(content),
    bytes: journal.disk_bytes,
    maxDisk: journal.max_disk,
    allBytes: server.disk_bytes,
    allMaxDisk: server.max_disk,
    freeBytes: journal.free_bytes,
  };
}

/** Operations that fill half of what the queue may hold, less what is in it. */
function room(look: QueueLook, content: number): number {
  const { plugin, server, operations } = look;
  const size = recordBytes(content);
  const disk = diskFigures(look, content);
  return Math.floor(Math.min(
    plugin.max_ops * FILL_SHARE - operations,
    (plugin.max_bytes * FILL_SHARE - plugin.queue_bytes) / size,
    isBoundByMemory(server.max_queue_bytes - server.queue_bytes, disk !== null)
      ? (server.max_queue_bytes * FILL_SHARE - server.queue_bytes) / size
      : Infinity,
    disk === null ? Infinity : Math.min(
      disk.maxDisk * FILL_SHARE - disk.bytes,
      disk.allMaxDisk * FILL_SHARE - disk.allBytes,
      (disk.freeBytes ?? Infinity) * FILL_SHARE,
    ) / disk.bytesPerOperation,
  ));
}

function contentBytes({ body }: LoadPlan): number {
  const view = new BodyView();
  view.locate(body, 0, body.length);
  return view.length;
}
