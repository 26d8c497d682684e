/** One timer for many deadlines: it is set for the earliest and, when it rings, asks for the next. */
export class DeadlineTimer {
  #timer: number | undefined;
  /** When the timer rings, on the clock of `performance.now()`, in milliseconds. */
  #due = Infinity;

  /** `expire` ends what is due by `now` and returns the earliest deadline left, Infinity for none. */
  constructor(readonly expire: (now: number) => number) {}

  /** Sees to it that `expire` is called at that time. A deadline that is met in the meantime need not be taken back. */
  watch(deadline: number): void {
    if (deadline >= this.#due) return;
    clearTimeout(this.#timer);
    this.#due = deadline;
    this.#timer = setTimeout(() => this.#ring(), Math.ceil(deadline - performance.now()));
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#due = Infinity;
  }

  #ring(): void {
    this.#due = Infinity;
    this.watch(this.expire(performance.now()));
  }
}
