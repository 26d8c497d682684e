/** Lets those who share a connection use it one after the other. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();
  #taken = 0;

  get isTaken(): boolean {
    return this.#taken > 0;
  }

  /** Does the work when all before it is done. */
  take<T>(work: () => Promise<T>): Promise<T> {
    this.#taken++;
    const turn = this.#last.then(work).finally(() => this.#taken--);
    this.#last = turn.catch(() => {});
    return turn;
  }
}
