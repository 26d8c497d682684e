import type { PluginWorker } from "./plugin_worker.ts";

/** What is looked at of a worker. */
export interface PartWorker {
  readonly state: PluginWorker["state"];
  readonly inFlight: { readonly count: number; ofPart(part: number): number };
}

/**
 * Who works off the parts of a queue where each worker has a part of its own: the worker itself or, while it has not been
 * started, or has died and the next one is still to start, another one. A part changes hands when the one before holds nothing of it any more, so
 * that its operations stay in order.
 */
export class PartOwners<W extends PartWorker> {
  /** By part. */
  readonly #substitutes: (W | null)[] = [];

  /** @param workers each takes the part of its place */
  constructor(readonly workers: readonly W[]) {}

  /** Who takes operations of that part now; null where it waits for somebody. */
  of(part: number): W | null {
    const { workers } = this;
    const own = workers[part];
    const substitute = this.#substitutes[part] ?? null;
    if (substitute !== null) {
      if (substitute.inFlight.ofPart(part) > 0) {
        return isThere(own) || !isThere(substitute) ? null : substitute;
      }
      this.#substitutes[part] = null;
    }
    if (own !== undefined && isThere(own)) return own;
    // One that ends, or is replaced, still holds operations of it or gives them back.
    if (own !== undefined && own.state !== "gone" && own.state !== "starting") return null;
    let best: W | null = null;
    for (const worker of workers) {
      if (isThere(worker) && (best === null || worker.inFlight.count < best.inFlight.count)) best = worker;
    }
    return this.#substitutes[part] = best;
  }
}

function isThere(worker: PartWorker | undefined): boolean {
  return worker?.state === "running";
}
