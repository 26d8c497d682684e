import type { ServerCounters } from "../observe/server_stats.ts";
import type { Encoding } from "../protocol/body.ts";

/** Somebody who waits for replies: a connection, or the sender of one datagram. */
export interface ReplyTarget {
  /**
   * Takes the reply of a sync operation. `encoding` 0 is a bare code; the content lies in `bytes` only until this
   * returns.
   */
  deliver(
    requestId: number,
    code: number,
    encoding: Encoding | 0,
    bytes: Uint8Array,
    at: number,
    length: number,
  ): void;
  /** Sends what has been delivered. */
  flush(): void;
}

/**
 * Who waits, by slot. A slot that was given up gets a new generation, so that a reply never reaches whoever took the
 * place of a caller that has gone.
 */
export class ReplyRoutes {
  readonly #targets: (ReplyTarget | null)[] = [];
  readonly #generations: number[] = [];
  readonly #free: number[] = [];
  #touched: ReplyTarget[] = [];
  #flushing: ReplyTarget[] = [];
  /** By slot: the round of {@link flush} that it is touched for, so that a target is flushed once for all that it got. */
  readonly #touchedFor: number[] = [];
  #round = 0;

  constructor(readonly counters: ServerCounters) {}

  open(target: ReplyTarget): number {
    const slot = this.#free.pop() ?? this.#targets.length;
    this.#targets[slot] = target;
    this.#touchedFor[slot] = -1;
    this.#generations[slot] = ((this.#generations[slot] ?? 0) + 1) >>> 0;
    return slot;
  }

  generation(slot: number): number {
    return this.#generations[slot]!;
  }

  /** Who waits there; null where that one has gone. */
  target(slot: number, generation: number): ReplyTarget | null {
    return this.#generations[slot] === generation ? this.#targets[slot] ?? null : null;
  }

  /** Gives up a slot; replies that are still to come for it are dropped and counted. */
  close(slot: number): void {
    this.#targets[slot] = null;
    this.#free.push(slot);
  }

  deliver(
    slot: number,
    generation: number,
    requestId: number,
    code: number,
    encoding: Encoding | 0,
    bytes: Uint8Array,
    at: number,
    length: number,
  ): void {
    const target = this.target(slot, generation);
    if (target === null) {
      this.counters.repliesDropped++;
      return;
    }
    target.deliver(requestId, code, encoding, bytes, at, length);
    if (this.#touchedFor[slot] === this.#round) return;
    this.#touchedFor[slot] = this.#round;
    this.#touched.push(target);
  }

  /** Lets all that got something since the last call send it. */
  flush(): void {
    const touched = this.#touched;
    this.#round++;
    this.#touched = this.#flushing;
    this.#flushing = touched;
    for (const target of touched) target.flush();
    touched.length = 0;
  }
}
