import { type LiveRecord, liveRecord } from "../pool/live_record.ts";
import type { LiveState } from "../pool/live_state.ts";
import type { DeadLetter } from "../queue/dead_letters.ts";
import { LaneId } from "../queue/operation_queue.ts";
import { OperationRecord } from "../queue/record.ts";
import type { KeptResult } from "../results/result_record.ts";
import type { RoutedPlugin } from "../router/routed_plugin.ts";
import { endedGeneration, letterGeneration, liveGeneration } from "./generation.ts";

/** What a plugin has of one of its operations. */
export type FoundOperation =
  /** It has not ended, and its record is in memory. */
  | { readonly kind: "live"; readonly record: LiveRecord }
  /** It has not ended, and is on disk alone, or stands there for a sync one. */
  | { readonly kind: "away"; readonly live: LiveState }
  | { readonly kind: "dead"; readonly letter: DeadLetter; readonly kept: KeptResult | null }
  | { readonly kind: "ended"; readonly kept: KeptResult };

/** The operation of that number; null where the plugin knows nothing of it any more. Records lie where they are until the turn is over. */
export function findOperation(plugin: RoutedPlugin, number: number, now: number): FoundOperation | null {
  const { queue, pool, results } = plugin;
  const letter = pool.dead.find(number);
  // One that has just ended may still be held by its worker.
  const kept = results?.store.find(number, now) ?? null;
  if (letter !== null) return { kind: "dead", letter, kept };
  if (kept !== null) return { kind: "ended", kept };
  const record = liveRecord(queue, pool.holders, number) ?? unsyncedRecord(plugin, number);
  if (record !== null) return { kind: "live", record };
  const live = pool.stateOf(number);
  return live === null ? null : { kind: "away", live };
}

/** See `generation.ts`. */
export function generationOf(found: FoundOperation): string {
  switch (found.kind) {
    case "live":
      return liveGeneration(found.record);
    case "away":
      return awayGeneration(found.live);
    case "dead":
      return letterGeneration(found.letter);
    case "ended":
      return endedGeneration(found.kept);
  }
}

/** As if it were in memory: it comes there by itself, and has taken no step by that. */
function awayGeneration({ state, attempts, due }: LiveState): string {
  const step = state === "unsynced" ? "queued" : state;
  return due === null ? `${step}-${attempts}` : `${step}-${attempts}-${Math.round(due)}`;
}

function unsyncedRecord({ queue: { durability } }: RoutedPlugin, number: number): LiveRecord | null {
  if (durability === null || durability.awayState(number) !== "unsynced") return null;
  for (const place of durability.unsyncedRecords()) {
    if (OperationRecord.asyncId(place.segment, place.offset) !== number) continue;
    return { state: "unsynced", lane: LaneId.Async, ...place, due: null, progress: null, worker: null };
  }
  return null;
}
