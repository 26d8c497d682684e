import { assert, assertEquals } from "@std/assert";
import type { JsonObject } from "../../src/plugin.ts";
import { decodeContent, type Encoding } from "../../src/protocol/body.ts";
import { LaneId } from "../../src/queue/operation_queue.ts";
import type { RoutedPlugin } from "../../src/router/routed_plugin.ts";

/** How an operation ended, by the figure that counts it. */
export type Fate = "done" | "failed" | "expired" | "cancelled";
const FATES: readonly Fate[] = ["done", "failed", "expired", "cancelled"];

/** What is known of an accepted operation. */
export interface Known {
  readonly id: number;
  readonly sync: boolean;
  readonly tag: number;
  readonly key: string | null;
  /** All that it has come to: one, in the end. */
  readonly fates: Fate[];
  /** It was kept as a dead letter so often. */
  letters: number;
  /** Async duplicates of it were told that they are queued. */
  duplicates: number;
}

/**
 * Notes of each operation of a plugin when it is accepted and what it comes to, at the queue itself: by which figure has
 * gone up when its room is freed.
 */
export class Fates {
  readonly known = new Map<number, Known>();
  /** By the keys of operations, the newest. */
  readonly byKey = new Map<string, Known>();
  #figures: number[];

  constructor(readonly plugin: RoutedPlugin) {
    this.#figures = this.#look();
    const { queue, pool: { dead } } = plugin;
    const put = queue.put.bind(queue);
    queue.put = (part, lane, operation, source, at, length) => {
      put(part, lane, operation, source, at, length);
      this.#accepted(lane, operation.id, operation.encoding, source.slice(at, at + length));
    };
    const putDelayed = queue.putDelayed.bind(queue);
    queue.putDelayed = (part, lane, operation, source, at, length, due) => {
      putDelayed(part, lane, operation, source, at, length, due);
      this.#accepted(lane, operation.id, operation.encoding, source.slice(at, at + length));
    };
    const finish = queue.finish.bind(queue);
    queue.finish = (part, lane, segment, offset) => {
      this.#ended(queue.idOf(lane, segment, offset));
      finish(part, lane, segment, offset);
    };
    const finishWaiting = queue.finishWaiting.bind(queue);
    queue.finishWaiting = (part, lane, segment, offset) => {
      this.#ended(queue.idOf(lane, segment, offset));
      finishWaiting(part, lane, segment, offset);
    };
    const finishParked = queue.finishParked.bind(queue);
    queue.finishParked = (entry) => {
      const { segment, offset } = queue.parked.place(entry);
      this.#ended(queue.idOf(queue.parked.lane(entry) as LaneId, segment, offset));
      finishParked(entry);
    };
    const keep = dead.keep.bind(dead);
    dead.keep = (letter) => {
      this.of(letter.id).letters++;
      return keep(letter);
    };
  }

  of(id: number): Known {
    const known = this.known.get(id);
    assert(known !== undefined, `operation ${id} was never accepted`);
    return known;
  }

  /** The operation with that tag, which its params have. */
  tagged(tag: number): Known | undefined {
    for (const known of this.known.values()) if (known.tag === tag) return known;
    return undefined;
  }

  /** Every operation has come to one end, and who was told that his is queued finds it done, or where it is kept. */
  check(): void {
    for (const known of this.known.values()) {
      const { fates, letters, sync, duplicates } = known;
      const shown = JSON.stringify(known);
      assertEquals(fates.length, 1, `an operation ends once: ${shown}`);
      const isPromised = !sync || duplicates > 0;
      const [fate] = fates;
      const isKept = isPromised &&
        (fate === "failed" || fate === "expired" || (sync && fate === "cancelled"));
      assertEquals(letters, isKept ? 1 : 0, `a dead letter is what has failed: ${shown}`);
    }
  }

  #accepted(lane: LaneId, id: number, encoding: number, content: Uint8Array): void {
    const params = decodeContent(encoding as Encoding, content) as JsonObject;
    const key = (params["mevent.key"] ?? null) as string | null;
    const sync = lane === LaneId.Sync;
    assert(!this.known.has(id), `operation ${id} was accepted twice`);
    const known: Known = {
      id,
      sync,
      tag: params["tag"] as number,
      key,
      fates: [],
      letters: 0,
      duplicates: 0,
    };
    this.known.set(id, known);
    if (key !== null) this.byKey.set(key, known);
  }

  #ended(id: number): void {
    const figures = this.#look();
    const fates = FATES.filter((_, index) => figures[index] !== this.#figures[index]);
    const sum = figures.reduce((total, figure, index) => total + figure - this.#figures[index]!, 0);
    this.#figures = figures;
    assertEquals(sum, 1, `an end is counted once: operation ${id}, ${fates.join(", ")}`);
    this.of(id).fates.push(fates[0]!);
  }

  #look(): number[] {
    const { outcomes } = this.plugin.pool;
    return FATES.map((fate) => outcomes[fate]);
  }
}
