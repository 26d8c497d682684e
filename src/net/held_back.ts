/**
 * What is held back goes out after so long at most, or when there was nothing else to do for so long: a write for each
 * reply costs more than all else that the thread does for it. In ms.
 */
const MOST_MS = 0.25;
const IDLE_MS = 0.01;

/** Who has something to send that may wait for more. */
export interface Holdable {
  /** Sends what has been held back, where it has not gone out meanwhile. */
  sendHeld(): void;
}

/** Those who wait a little with sending, for what else they are owed. */
export class HeldBack {
  #waiting: Holdable[] = [];
  #sending: Holdable[] = [];
  /** When the first of them began to wait; monotonic, in ms. */
  #since = 0;

  add(target: Holdable, time: number): void {
    if (this.#waiting.length === 0) this.#since = time;
    this.#waiting.push(target);
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** Whether they have waited for long enough, while there was nothing else to do for `idle` ms. */
  isDue(time: number, idle: number): boolean {
    return this.#waiting.length > 0 && (idle > IDLE_MS || time - this.#since > MOST_MS);
  }

  /** Lets all of them send; who is held back meanwhile waits anew. */
  send(): void {
    const waiting = this.#waiting;
    this.#waiting = this.#sending;
    this.#sending = waiting;
    for (let i = 0; i < waiting.length; i++) waiting[i]!.sendHeld();
    waiting.length = 0;
  }
}
