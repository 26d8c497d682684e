/** An error that waits for the results of the requests before it. */
interface Refusal {
  /** Sync operations of this connection that are to be answered first. */
  readonly after: number;
  readonly id: number;
  readonly code: number;
  readonly body: Uint8Array | null;
}

/** Errors in the order of the requests that they answer, until it is their turn. */
export class Refusals {
  readonly #waiting: Refusal[] = [];

  get count(): number {
    return this.#waiting.length;
  }

  /** @param after sync operations that are to be answered first, of all that there have been */
  add(after: number, id: number, code: number, body: Uint8Array | null): void {
    this.#waiting.push({ after, id, code, body });
  }

  /** Answers those whose turn it is when so many sync operations have been answered. */
  release(answered: number, answer: (id: number, code: number, body: Uint8Array | null) => void): void {
    let count = 0;
    for (const { after, id, code, body } of this.#waiting) {
      if (after > answered) break;
      answer(id, code, body);
      count++;
    }
    this.#waiting.splice(0, count);
  }
}
