import { ControlRefusal } from "./control_refusal.ts";

/** A look holds the thread for so long at a time, in ms; others get their turn in between. */
const SLICE_MS = 1;
/** Looks that wait for their turn; who comes then is told to come again. */
const MAX_WAITING = 20;

/** Has work that looks at much done bit by bit, one piece of work after the other, so that all of it together takes half of the thread at most. */
export class Slices {
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;

  /** @param now monotonic, in ms */
  constructor(readonly now: () => number) {}

  /**
   * Resolves when `step` has returned false. It is called with the time until which it may go on (monotonic, ms), and looks at something
   * each time. Rejects with ControlRefusal where too many wait, and with what it throws.
   */
  run(step: (until: number) => boolean): Promise<void> {
    if (this.#waiting >= MAX_WAITING) {
      return Promise.reject(
        new ControlRefusal(
          `${MAX_WAITING} looks through operations wait for their turn; try again in a moment`,
        ),
      );
    }
    this.#waiting++;
    const done = this.#last.then(() => this.#run(step)).finally(() => this.#waiting--);
    this.#last = done.catch(() => {});
    return done;
  }

  async #run(step: (until: number) => boolean): Promise<void> {
    while (step(this.now() + SLICE_MS)) await new Promise((resolve) => setTimeout(resolve, 0));
  }
}
