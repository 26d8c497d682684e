/** What was under way when the server was told to stop. */
export class StoppedMeanwhile extends Error {
  override readonly name = "StoppedMeanwhile";

  constructor() {
    super("the server was told to stop meanwhile");
  }
}

/**
 * What a piece of work comes to, unless the server is told to stop before it has ended: then it rejects with
 * {@link StoppedMeanwhile} at once, and what the work comes to in the end is handed to `drop`.
 */
export async function unlessStopped<T>(
  work: Promise<T>,
  told: Promise<void>,
  drop: (late: T) => unknown = () => {},
): Promise<T> {
  let isTold = false;
  const ended = told.then(() => void (isTold = true));
  // Of the work nothing is to stay with the promise that lives as long as the server.
  await Promise.race([work.then(() => {}), ended]);
  if (!isTold) return await work;
  work.then(drop).catch(() => {});
  throw new StoppedMeanwhile();
}

/** Calls `then` when a signal aborts, or at once where it has. */
export function onAbort(signal: AbortSignal | undefined, then: () => void): void {
  if (signal?.aborted) then();
  else signal?.addEventListener("abort", then, { once: true });
}
