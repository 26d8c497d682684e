/** A worker, and what keeps its plugin from its work, as the plugin says; null where nothing does. */
interface Worker {
  readonly state: string;
  readonly problem: string | null;
}

/** How many run whose plugin says that it cannot do its work. */
export function unhealthyAmong(workers: readonly Worker[]): number {
  return workers.filter(({ state, problem }) => state === "running" && problem !== null).length;
}

/**
 * Why none of a plugin's workers can work, as a sentence without names; null where one can, or none is wanted.
 *
 * @param hasDied whether one has died since one has started last
 */
export function downReason(workers: readonly Worker[], hasDied: boolean): string | null {
  const running = workers.filter(({ state }) => state === "running");
  if (running.some(({ problem }) => problem === null)) return null;
  if (running.length > 0) return "its health says that it cannot work";
  return hasDied ? "its workers die; the log says why" : null;
}
