import type { RingWriter } from "../ring/ring.ts";
import { type Committed, writeCommitted } from "./news.ts";

/** News in their order, until the ring has room for them. */
export class NewsQueue {
  readonly #waiting: (() => boolean)[] = [];
  /** The one that waits last, where it tells how far the journal is: it is brought up to date. */
  #last: Committed | null = null;

  constructor(readonly ring: RingWriter) {}

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  committed(news: Committed): void {
    if (this.#last !== null) {
      Object.assign(this.#last, news);
      return;
    }
    const copy = { ...news };
    this.#last = copy;
    this.#waiting.push(() => writeCommitted(this.ring, copy));
  }

  push(write: () => boolean): void {
    this.#last = null;
    this.#waiting.push(write);
  }

  /** Writes as many as there is room for; the ring is to be published. */
  flush(): void {
    while (this.#waiting.length > 0 && this.#waiting[0]!()) this.#waiting.shift();
    if (this.isEmpty) this.#last = null;
  }
}
