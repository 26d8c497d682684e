import type { WorkerRings } from "../ring/messages.ts";
import { createRing, recordsOf } from "../ring/ring.ts";

/** The four rings of a worker, each for about so many bytes. */
export function createRings(ringBytes: number): WorkerRings {
  return {
    sync: createRing(ringBytes),
    async: createRing(ringBytes),
    syncReplies: createRing(ringBytes),
    asyncReplies: createRing(ringBytes),
  };
}

/**
 * Gives the memory of rings back to the system once nobody uses them. The garbage collector would, too, but late: it does not
 * count shared memory, and a plugin that is reloaded under load would pile it up.
 */
export function releaseRings(rings: WorkerRings, discard: (bytes: Uint8Array) => void): void {
  for (const ring of [rings.sync, rings.async, rings.syncReplies, rings.asyncReplies]) {
    discard(recordsOf(ring));
  }
}
