/** A worker's event loop counts its beats up this often at least, in ms. */
export const BEAT_EVERY_MS = 500;

/** The word in shared memory that a worker counts up while its thread gets anywhere. */
export type BeatMemory = SharedArrayBuffer;

export function createBeats(): BeatMemory {
  return new SharedArrayBuffer(4);
}

/** The worker's side: beats with the event loop, and wherever {@link beat} is called. */
export class Heart {
  readonly #count: Int32Array;

  /** @param turned told with each beat of the event loop's own */
  constructor(memory: BeatMemory, turned: () => void) {
    this.#count = new Int32Array(memory);
    this.beat();
    setInterval(() => {
      this.beat();
      turned();
    }, BEAT_EVERY_MS);
  }

  /** It alone writes the word, so nothing is lost without a locked addition. */
  beat(): void {
    this.#count[0]!++;
  }
}

/**
 * The side that listens: for how long there was no beat. Counted by its own looks. One that comes late finds a process that
 * was stopped, and beats that have not come in yet: it says nothing of the others, and silence begins anew.
 */
export class Pulse {
  readonly #count: Int32Array;
  #last = 0;
  #lookedAt = -Infinity;
  #silent = 0;

  /** @param maxStep a look that comes longer after the one before is late, in ms */
  constructor(memory: BeatMemory, readonly maxStep: number) {
    this.#count = new Int32Array(memory);
  }

  /** Changes with each beat. */
  get beat(): number {
    return Atomics.load(this.#count, 0);
  }

  /** For how long it has been silent, in ms; `time` is monotonic, in ms. */
  silentFor(time: number): number {
    const count = this.beat;
    const step = time - this.#lookedAt;
    this.#silent = count === this.#last && step <= this.maxStep ? this.#silent + step : 0;
    this.#last = count;
    this.#lookedAt = time;
    return this.#silent;
  }
}
