/**
 * Waits for work that others may wait for, too: until a time on the clock of `performance.now()`, which rejects with what `late` makes,
 * or until the signal aborts, which rejects with its reason.
 */
export function patient<T>(
  work: Promise<T>,
  deadline: number,
  signal: AbortSignal | undefined,
  late: () => Error,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => end(() => reject(signal?.reason));
    const timer = setTimeout(
      () => end(() => reject(late())),
      Math.max(0, Math.ceil(deadline - performance.now())),
    );
    const end = (settle: () => void) => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
      settle();
    };
    if (signal?.aborted) abort();
    else signal?.addEventListener("abort", abort, { once: true });
    work.then((value) => end(() => resolve(value)), (error) => end(() => reject(error)));
  });
}
