import { within } from "../within.ts";
import type { PluginWorker } from "./plugin_worker.ts";

/** What workers get to end in at least, in ms: one that holds nothing takes a few. */
const LEAST_GRACE_MS = 300;

/**
 * Waits for workers that were told to stop, for at most so many ms or until `hurry` resolves, and gives up those that have
 * not.
 *
 * @param ended resolves when all have
 */
export async function endWorkers(
  workers: readonly PluginWorker[],
  ended: Promise<void>,
  graceMs: number,
  hurry: Promise<void>,
  giveUp: (worker: PluginWorker) => void,
): Promise<void> {
  await within(graceMs, ended, hurry);
  const late = () => workers.filter(({ state }) => state !== "gone");
  // Who has nothing to do ends in that, also in a hurry.
  if (late().length > 0) await within(LEAST_GRACE_MS, ended);
  for (const worker of late()) giveUp(worker);
}
