import type { WorkerRings } from "./messages.ts";
import { createRing } from "./ring.ts";

/** The four rings of a worker, each for about so many bytes. */
export function createRings(ringBytes: number): WorkerRings {
  return {
    sync: createRing(ringBytes),
    async: createRing(ringBytes),
    syncReplies: createRing(ringBytes),
    asyncReplies: createRing(ringBytes),
  };
}
