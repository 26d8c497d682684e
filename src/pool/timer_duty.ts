import type { PluginWorker } from "./plugin_worker.ts";

type DutyWorker = Pick<PluginWorker, "state" | "declaration" | "post">;

/**
 * Which of a plugin's workers runs its timers: one of those that get operations, and no other before that one has said that
 * none runs there any more, or is gone.
 *
 * ```
 * nobody ──a worker runs──► on duty ──retires, stops, end──► relieved ──says so, gone──► nobody
 *    ▲                         └───────────gone──────────────────────────────────────┘
 * ```
 */
export class TimerDuty {
  #holder: DutyWorker | null = null;
  #isRelieved = false;
  #isOver = false;

  /** @param workers those that get operations, or are about to */
  constructor(readonly workers: () => readonly DutyWorker[]) {}

  /** Something has changed with the workers. */
  look(): void {
    const holder = this.#holder;
    if (holder !== null) {
      if (holder.state === "gone") this.#holder = null;
      else if (!this.#isRelieved && (this.#isOver || !this.#isFit(holder))) {
        this.#isRelieved = true;
        holder.post({ kind: "timers", run: false });
      }
    }
    if (this.#holder !== null || this.#isOver) return;
    const next = this.workers().find((worker) => this.#isFit(worker));
    if (next === undefined) return;
    this.#holder = next;
    this.#isRelieved = false;
    next.post({ kind: "timers", run: true });
  }

  /** A worker says that none runs there any more. */
  ended(worker: DutyWorker): void {
    if (worker !== this.#holder || !this.#isRelieved) return;
    this.#holder = null;
    this.look();
  }

  /** No timer is to run any more: who is on duty is relieved at the next look, or stops, and nobody takes it over. */
  end(): void {
    this.#isOver = true;
  }

  #isFit(worker: DutyWorker): boolean {
    return worker.state === "running" && worker.declaration!.timers.length > 0 &&
      this.workers().includes(worker);
  }
}
