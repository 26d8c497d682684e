import type { Log } from "../observe/log.ts";

/** How a stop went. */
export interface StopReport {
  /** Operations that were still in the queues when the stop began. */
  readonly pending: number;
  /** Those of them that were given up when the time was over. */
  readonly abandoned: number;
  /** The plugins whose `stop` failed, or did not end in time: what they were to write is not written, perhaps. */
  readonly unstopped: readonly string[];
}

/** Says of which plugins operations were given up; returns how many of all. */
export function tellAbandoned(byPlugin: ReadonlyMap<string, number>, log: Log): number {
  let sum = 0;
  for (const [plugin, operations] of byPlugin) {
    sum += operations;
    if (operations > 0) log.warn("operations of a plugin were given up", { plugin, operations });
  }
  return sum;
}

/** The last line of a server. */
export function tellStopped({ pending, abandoned, unstopped }: StopReport, log: Log): void {
  const fields = { operations_done: pending - abandoned, operations_abandoned: abandoned };
  if (unstopped.length > 0) {
    log.error("stopped, and not all plugins ended as they were to", { ...fields, plugins: [...unstopped] });
  } else log[abandoned > 0 ? "warn" : "info"]("stopped", fields);
}
