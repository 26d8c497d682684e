import type { LiveRecord } from "../pool/live_record.ts";
import type { DeadLetter } from "../queue/dead_letters.ts";
import { OperationRecord } from "../queue/record.ts";
import type { KeptResult } from "../results/result_record.ts";

/**
 * What an operation is at the moment, as a text that becomes another one with each of its steps: begun, failed, put off, ended. What is
 * to be done with it names the one that it was seen with, so that nothing else is done to what it has become meanwhile.
 */
export function liveGeneration({ state, segment, offset, due }: LiveRecord): string {
  const attempts = OperationRecord.attempts(segment, offset);
  // Committed in the blink of an eye: nothing that anybody decides by.
  const step = state === "unsynced" ? "queued" : state;
  return due === null ? `${step}-${attempts}` : `${step}-${attempts}-${Math.round(due)}`;
}

export function letterGeneration({ attempts, failedAt }: DeadLetter): string {
  return `dead-${attempts}-${Math.round(failedAt)}`;
}

export function endedGeneration({ state, attempts, endedAt, retried }: KeptResult): string {
  return `${state}-${attempts}-${Math.round(endedAt)}${retried === null ? "" : `-as-${retried.id}`}`;
}
