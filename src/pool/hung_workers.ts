import { longestWait } from "../host/batch_bounds.ts";
import type { PluginWorker } from "./plugin_worker.ts";
import type { SupervisorOptions } from "./supervisor_options.ts";

/** A worker that is over its plugin's time-out and grace by so much without a sign is given up; in ms. */
const HANG_GRACE_MS = 1000;
/** What a retired worker gets to run `stop`, in ms. */
const STOP_GRACE_MS = 5000;

type Judged = Pick<SupervisorOptions, "setup" | "now" | "lostSince">;

/**
 * Gives up workers whose thread gives no sign of life, or that should have answered something long ago: the host answers by
 * itself what runs over its time.
 */
export function giveUpHung(
  workers: readonly PluginWorker[],
  { setup, now, lostSince }: Judged,
): void {
  const limit = setup.timeout + setup.grace + HANG_GRACE_MS;
  const time = now();
  for (const worker of workers) {
    const { stalledSince } = worker;
    const stalledFor = stalledSince === null ? 0 : time - stalledSince - lostSince(stalledSince);
    if (worker.silentFor() > limit || stalledFor > limit + longestWait(worker.declaration)) {
      worker.fail(`it has given no sign of life for ${limit} ms: it hangs, or has ended itself`);
    }
  }
}

/** Gives up workers that were replaced, by since when they are to end, where they are late. */
export function giveUpLate(
  retiring: ReadonlyMap<PluginWorker, number>,
  { setup, now, lostSince }: Judged,
): void {
  const most = setup.timeout + setup.grace + STOP_GRACE_MS;
  const time = now();
  for (const [worker, since] of retiring) {
    if (time - since - lostSince(since) > most) worker.fail("it was replaced and did not end in time");
  }
}
