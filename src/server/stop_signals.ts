import type { Server } from "./server.ts";
import { SIGNAL } from "../control/actor.ts";
import type { StopReport } from "../control/stop_report.ts";
import { onAbort } from "./unless_stopped.ts";

/** Signals that end the server. */
const STOP_SIGNALS = ["SIGTERM", "SIGINT"] as const;
/**
 * A second one within so long of the first is the same: npm, `deno task` and the terminal may each hand one Ctrl-C on; in
 * ms.
 */
export const SAME_MS = 500;

/**
 * The signals that a server hears from its start on: the first TERM or INT tells it to stop, a second one not to wait for
 * anything, HUP to load its config again.
 */
export class StopSignals implements Disposable {
  readonly #stop = new AbortController();
  readonly #stopNow = new AbortController();
  #toldAt = 0;
  #hungUp = false;
  #onHangUp: (() => void) | null = null;
  readonly #onStop = () => this.tell();
  readonly #onHup = () => this.hangUp();

  /** @param now monotonic, in ms */
  constructor(readonly now: () => number = () => performance.now()) {
    for (const signal of STOP_SIGNALS) Deno.addSignalListener(signal, this.#onStop);
    Deno.addSignalListener("SIGHUP", this.#onHup);
  }

  /** Aborted with the first one. */
  get stop(): AbortSignal {
    return this.#stop.signal;
  }

  /** Aborted with the second one. */
  get stopNow(): AbortSignal {
    return this.#stopNow.signal;
  }

  /** One has come that ends the server. */
  tell(): void {
    const time = this.now();
    if (!this.#stop.signal.aborted) {
      this.#toldAt = time;
      this.#stop.abort();
    } else if (time - this.#toldAt >= SAME_MS) this.#stopNow.abort();
  }

  /** HUP has come; until somebody listens it is remembered. */
  hangUp(): void {
    if (this.#onHangUp === null) this.#hungUp = true;
    else this.#onHangUp();
  }

  /** Calls `then` at each HUP, and at once where one has come already. */
  onHangUp(then: () => void): void {
    this.#onHangUp = then;
    if (this.#hungUp) then();
    this.#hungUp = false;
  }

  [Symbol.dispose](): void {
    for (const signal of STOP_SIGNALS) Deno.removeSignalListener(signal, this.#onStop);
    Deno.removeSignalListener("SIGHUP", this.#onHup);
  }
}

/**
 * Waits until the server has stopped: the first TERM or INT, or a control command, lets it work off what is queued, the
 * second signal stops it at once. HUP lets it load its config again.
 */
export function runUntilStopped(server: Server, signals: StopSignals): Promise<StopReport> {
  // How it goes is what `ended` tells.
  onAbort(signals.stop, () => void server.controls.perform("drain", {}, SIGNAL).catch(() => {}));
  onAbort(signals.stopNow, () => void server.controls.perform("stop", { now: true }, SIGNAL).catch(() => {}));
  // What became of it is in the log, a failure too.
  signals.onHangUp(() => void server.controls.perform("reload", {}, SIGNAL).catch(() => {}));
  return server.ended;
}
