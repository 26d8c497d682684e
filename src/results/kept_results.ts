import type { SegmentPool } from "../queue/segment.ts";
import type { Ending, EndState } from "./result_record.ts";
import { type ResultLimits, ResultStore } from "./result_store.ts";

/** Results whose time is over that are forgotten at each look of the server's, once a second. */
const SWEEP = 10_000;

/** What a plugin's operations came to, and who waits for that. */
export class KeptResults {
  readonly store: ResultStore;
  /** By operation: who is to be told when it has ended. */
  readonly #waiting = new Map<number, Set<() => void>>();
  /** Reused from one operation to the next. */
  readonly #ending: { -readonly [key in keyof Ending]: Ending[key] } = {
    id: 0,
    command: 0,
    state: "done",
    code: 0,
    acceptedAt: 0,
    endedAt: 0,
    attempts: 0,
  };

  constructor(limits: ResultLimits, pool: SegmentPool) {
    this.store = new ResultStore(limits, pool);
  }

  /** Who waits for ends. */
  get waiting(): number {
    let count = 0;
    for (const told of this.#waiting.values()) count += told.size;
    return count;
  }

  /** Forgets what is over. */
  tick(now: number): void {
    this.store.sweep(now, SWEEP);
  }

  /**
   * An operation has ended; the content is copied.
   *
   * @param acceptedAt NaN where that is not known
   * @param encoding of the content; 0 for none, or that of a sentence
   */
  ended(
    id: number,
    command: number,
    state: EndState,
    code: number,
    acceptedAt: number,
    endedAt: number,
    attempts: number,
    encoding: number,
    bytes: Uint8Array,
    at: number,
    length: number,
  ): void {
    const ending = this.#ending;
    ending.id = id;
    ending.command = command;
    ending.state = state;
    ending.code = code;
    ending.acceptedAt = acceptedAt;
    ending.endedAt = endedAt;
    ending.attempts = attempts;
    this.store.keep(ending, encoding, bytes, at, length);
    if (this.#waiting.size > 0) this.#tell(id);
  }

  /** Tells once when the operation has ended, or when nobody will know any more. Returns how to give that up. */
  wait(id: number, told: () => void): () => void {
    let all = this.#waiting.get(id);
    if (all === undefined) this.#waiting.set(id, all = new Set());
    const of = all.add(told);
    return () => {
      of.delete(told);
      if (of.size === 0 && this.#waiting.get(id) === of) this.#waiting.delete(id);
    };
  }

  /** Tells all who wait, though nothing has ended. */
  letGo(): void {
    for (const id of [...this.#waiting.keys()]) this.#tell(id);
  }

  /** The same, and forgets all. */
  close(): void {
    this.letGo();
    this.store.clear();
  }

  #tell(id: number): void {
    const all = this.#waiting.get(id);
    if (all === undefined) return;
    this.#waiting.delete(id);
    for (const told of all) told();
  }
}
