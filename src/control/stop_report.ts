import type { Log } from "../observe/log.ts";

/** How a stop went. */
export interface StopReport {
  /** Operations that were still in the queues when the stop began. */
  readonly pending: number;
  /** Those of them that were given up when the time was over. */
  readonly abandoned: number;
  /** Those that are in journals, and run after the next start; they are not among the abandoned ones. */
  readonly kept: number;
  /** The plugins whose `stop` failed, or did not end in time: what they were to write is not written, perhaps. */
  readonly unstopped: readonly string[];
}

/** What is left when a stop ends. */
export interface Ended extends Pick<StopReport, "pending" | "unstopped"> {
  /** Operations that were given up of plugins that were removed before. */
  readonly left: number;
  /** By plugin: operations that were given up, and those that are kept. */
  readonly abandoned: ReadonlyMap<string, number>;
  readonly kept: ReadonlyMap<string, number>;
}

/** The last lines of a server. */
export function tellEnd(ended: Ended, log: Log): StopReport {
  const { pending, unstopped } = ended;
  const abandoned = ended.left + tellAbandoned(ended.abandoned, log);
  const report = { pending, abandoned, kept: tellKept(ended.kept, log), unstopped };
  tellStopped(report, log);
  log.flush();
  return report;
}

/** Says of which plugins operations were given up; returns how many of all. */
function tellAbandoned(byPlugin: ReadonlyMap<string, number>, log: Log): number {
  let sum = 0;
  for (const [plugin, operations] of byPlugin) {
    sum += operations;
    if (operations > 0) log.warn("operations of a plugin were given up", { plugin, operations });
  }
  return sum;
}

/** Says of which plugins operations are kept; returns how many of all. */
function tellKept(byPlugin: ReadonlyMap<string, number>, log: Log): number {
  let sum = 0;
  for (const [plugin, operations] of byPlugin) {
    sum += operations;
    if (operations > 0) log.info("operations of a plugin are kept in its journal", { plugin, operations });
  }
  return sum;
}

/** How many of the operations that were pending were done. */
export function doneOf({ pending, abandoned, kept }: Omit<StopReport, "unstopped">): number {
  return Math.max(0, pending - abandoned - kept);
}

/** The last line of a server. */
function tellStopped({ unstopped, ...report }: StopReport, log: Log): void {
  const { abandoned, kept } = report;
  const fields = {
    operations_done: doneOf(report),
    operations_abandoned: abandoned,
    ...kept > 0 ? { operations_kept: kept } : {},
  };
  if (unstopped.length > 0) {
    log.error("stopped, and not all plugins ended as they were to", { ...fields, plugins: [...unstopped] });
  } else log[abandoned > 0 ? "warn" : "info"]("stopped", fields);
}
