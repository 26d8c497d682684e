import { setImmediate } from "node:timers";
import type { RingReader } from "../ring/ring.ts";

/** After so long of news others get their turn, in ms. */
const TURN_MS = 1;
/** News that are taken in one look. */
const READ_BATCH = 256;

/** Reads what the journal's thread tells of a plugin, when it is polled, and when it is woken. */
export class NewsReader {
  /** Called where something has come while nobody polls. */
  readonly onWake = () => this.#drain();

  /**
   * @param now monotonic, in ms
   * @param take takes what the ring has found
   * @param taken called after some were taken
   */
  constructor(
    readonly ring: RingReader,
    readonly now: () => number,
    readonly take: () => void,
    readonly taken: () => void,
  ) {}

  /** Takes what there is now; true where there was something. Nobody is woken until {@link sleep}. */
  poll(): boolean {
    this.ring.stayAwake();
    return this.read();
  }

  /** Lets the next news wake this thread; false where there are some already. */
  sleep(): boolean {
    return this.ring.sleep(this.onWake);
  }

  /** Takes a batch; false where there was nothing. */
  read(): boolean {
    let count = 0;
    for (; count < READ_BATCH && this.ring.next(); count++) this.take();
    if (count === 0) return false;
    this.ring.release();
    this.taken();
    return true;
  }

  /** Takes what has come, and goes back to sleep. */
  #drain(): void {
    const end = this.now() + TURN_MS;
    do {
      while (this.read()) if (this.now() > end) return void setImmediate(this.onWake);
    } while (!this.sleep());
  }
}
