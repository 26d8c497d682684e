import type { PluginDeclaration } from "../ring/messages.ts";
import type { WorkerSettings } from "./supervisor_options.ts";

type WorkerNumbers = Pick<WorkerSettings, "workers" | "minWorkers">;

/** Operations that wait for so long say that there are too few workers; in ms. */
const LATE_MS = 20;
/** The next worker is started so long after the one before has begun at the earliest, in ms: it is to show what it helps. */
const SETTLE_MS = 100;
/**
 * Where one is started again so soon after one has ended, in times of what that one had waited, the next one waits twice
 * as long before it ends, up to an hour: an ended thread leaves descriptors behind, and starting one takes time.
 */
const SOON = 10;
const MOST_IDLE_MS = 3_600_000;

/** How many workers a plugin may have. */
export interface StaffingLimits {
  readonly least: number;
  readonly most: number;
  /** One that is not needed ends after so long, in ms. */
  readonly idle: number;
}

/** What is seen of a plugin's workers and its queue. */
export interface StaffingView {
  /** Workers that run. */
  readonly running: number;
  /** Places whose worker starts, has died and is to be replaced, or is about to end. */
  readonly coming: number;
  /** Operations wait that no worker has room for. */
  readonly isWaiting: boolean;
  /** For how long the oldest of them has waited, in ms. */
  readonly waited: number;
}

/**
 * Decides how many workers a plugin has: one more where there is work and nobody, or where operations have waited for long; one
 * less where the last one has had nothing to do for long. One at a time, either way.
 *
 * ```
 * none ──work──► one ──operations wait──► … ──► most
 *   ▲              ▲                        │
 *   └───idle───────┴──────────idle──────────┘      never under the least
 * ```
 */
export class Staffing {
  #beganAt = -Infinity;
  #idleSince: number | null = null;
  /** What one waits now before it ends, in ms. */
  #idle: number;
  /** When the last one ended, where none has been started since. */
  #endedAt: number | null = null;

  /** @param now monotonic, in ms */
  constructor(readonly limits: StaffingLimits, readonly now: () => number) {
    this.#idle = limits.idle;
  }

  /** A worker has begun to run. */
  began(): void {
    this.#beganAt = this.now();
  }

  /** Whether one more is to be started now, or in how many ms it is to be looked again; null where neither. */
  grows({ running, coming, isWaiting, waited }: StaffingView): true | number | null {
    if (!isWaiting || coming > 0 || running >= this.limits.most) return null;
    const left = running === 0 ? 0 : Math.max(LATE_MS - waited, this.#beganAt + SETTLE_MS - this.now());
    return left > 0 ? left : true;
  }

  /** One more is started. */
  starts(): void {
    if (this.#endedAt === null) return;
    const { idle } = this.limits;
    const isSoon = this.now() - this.#endedAt < SOON * this.#idle;
    this.#idle = isSoon ? Math.max(Math.min(this.#idle * 2, MOST_IDLE_MS), idle) : idle;
    this.#endedAt = null;
  }

  /**
   * Whether the last of those that run may end now: as many as are to be there run without it, and none is to come, which
   * may be long in that.
   *
   * @param isIdle it holds nothing, and has done nothing since the last look
   */
  shrinks({ running, coming }: Pick<StaffingView, "running" | "coming">, isIdle: boolean): boolean {
    if (running <= this.limits.least || coming > 0 || !isIdle) {
      this.#idleSince = null;
      return false;
    }
    this.#idleSince ??= this.now();
    if (this.now() - this.#idleSince < this.#idle) return false;
    this.#idleSince = null;
    return true;
  }

  /** It ends. */
  ends(): void {
    this.#endedAt = this.now();
  }
}

/** How many workers the config wants to be there without work, as far as it says so itself. */
export function givenWorkers({ workers, minWorkers }: WorkerNumbers): number {
  return minWorkers === "all" ? workers : minWorkers === "auto" ? 0 : minWorkers;
}

/** The same for what the module is: who has something to stand by for has one, and timers run in one whatever is said. */
export function leastWorkers(
  numbers: WorkerNumbers,
  { isStanding, timers }: Pick<PluginDeclaration, "isStanding" | "timers">,
): number {
  const given = givenWorkers(numbers);
  const stands = numbers.minWorkers === "auto" ? isStanding : timers.length > 0;
  return stands ? Math.max(given, 1) : given;
}
