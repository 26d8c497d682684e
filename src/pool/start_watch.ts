import type { Pulse } from "../ring/heartbeat.ts";

/** How long a plugin's module and its `start` may take where nothing else is said, in ms. */
const START_TIMEOUT_MS = 30_000;
/** The thread of a plugin that starts may be without a sign of life for so long, in ms: a `start` waits, it does not compute. */
const MAX_SILENCE_MS = 5000;
/** A start that is under way when the server is told to stop may take so long yet, in ms. */
const HURRIED_MS = 3000;
/** It is looked at this often, in ms. A look that comes late stands for no more than some of these. */
const LOOK_MS = 250;
const MAX_STEP_MS = 4 * LOOK_MS;

/**
 * Watches a worker that starts. It is given up when that takes too long, or when its thread, which has begun to run, gives no
 * sign of life: it spins, or the plugin has ended it. The time is that of its own looks: while the process is stopped
 * none passes.
 */
export class StartWatch {
  readonly #timer: number;
  #lookedAt: number;
  #taken = 0;
  #most: number;

  constructor(
    readonly pulse: Pulse,
    /** Monotonic, in ms. */
    readonly now: () => number,
    /** Told once why it is given up. */
    readonly fail: (reason: string) => void,
    timeout = START_TIMEOUT_MS,
  ) {
    this.#most = timeout;
    this.#lookedAt = now();
    this.#timer = setInterval(() => this.#look(), Math.min(LOOK_MS, timeout));
  }

  /** It is to end soon: the server stops. */
  hurry(): void {
    this.#most = Math.min(this.#most, this.#taken + HURRIED_MS);
  }

  end(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const time = this.now();
    this.#taken += Math.min(time - this.#lookedAt, MAX_STEP_MS);
    this.#lookedAt = time;
    const silent = this.pulse.silentFor(time);
    if (this.#taken >= this.#most) {
      this.fail(`it did not finish its start within ${this.#most / 1000} s`);
    } else if (this.pulse.beat !== 0 && silent >= MAX_SILENCE_MS) {
      this.fail(
        `its start has given no sign of life for ${
          MAX_SILENCE_MS / 1000
        } s: it computes without a pause, or has ended its worker (self.close, Deno.exit)`,
      );
    }
  }
}
