import type { LoadPlan } from "../client/load_plan.ts";
import { LoadRun } from "../client/load_run.ts";
import type { LoadTally } from "../client/load_tally.ts";
import { BodyView } from "../protocol/body.ts";
import { recordBytes } from "../queue/record.ts";
import type { CapacityFigures } from "./bench_capacity_plan.ts";
import type { QueueLook, QueueWatch } from "./bench_queue_watch.ts";

/** The first try at the work-off has so many operations, each further one so many times more. */
const FIRST_TRY = 64;
const TRY_FACTOR = 4;
/** A work-off shorter than this tells no rate, in ms. */
const LEAST_MS = 250;
/** The share of each bound that is filled at most. */
const FILL_SHARE = 0.5;
/** The share of the wait that working off what it fills in is to take. */
const WAIT_SHARE = 0.5;

/** What was measured. */
export interface CapacityMeasurement {
  readonly figures: CapacityFigures;
  /** Operations that the intake was measured over, and how long that took, in ms. */
  readonly intakeOperations: number;
  readonly intakeMs: number;
  /** The plugin worked as fast as operations came in: the true rate is higher. */
  readonly workOffAtLeast: boolean;
  /** False where the queue never held enough to measure an operation's bytes: they are computed then. */
  readonly bytesMeasured: boolean;
  /** Operations of its own that were not worked off when it gave up waiting. */
  readonly left: number;
  /** What became of the requests; of the last load where there were several. */
  readonly load: LoadRun;
  /** Before anything was sent. */
  readonly before: QueueLook;
}

/** The queue has no room to measure with. */
export class NoRoomError extends Error {
  override readonly name = "NoRoomError";
}

/**
 * Measures intake and work-off of one plugin: tries the work-off with few operations first, so that a slow plugin gets no
 * more than it works off in half of `waitMs`; then fills the queue and watches it become empty.
 */
export class CapacityMeter {
  constructor(
    readonly plan: LoadPlan,
    readonly watch: QueueWatch,
    readonly waitMs: number,
    readonly signal: AbortSignal,
  ) {}

  /** Throws as LoadRun and QueueWatch do, and NoRoomError. */
  async measure(): Promise<CapacityMeasurement> {
    const before = await this.watch.look();
    const most = Math.min(this.#room(before), this.plan.count);
    if (most < 1) throw new NoRoomError("the queue is half full already: measure when it has less to do");
    let fill = await this.#fill(Math.min(FIRST_TRY, most), before);
    for (let tried = fill; this.#wantsMore(tried, most); tried = fill) {
      const next = Math.min(tried.count * TRY_FACTOR, most, this.#affordable(tried));
      if (next <= tried.count) break;
      fill = await this.#fill(next, before);
    }
    return fill.measurement;
  }
}
