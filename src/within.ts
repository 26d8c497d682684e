import type { LostTime } from "./lost_time.ts";

const CLOCK: Pick<LostTime, "after"> = {
  after(ms, then) {
    const timer = setTimeout(then, ms);
    return () => clearTimeout(timer);
  },
};

/**
 * Waits for a piece of work, for at most so many ms, or until `hurry` resolves where there is one. They are those of the
 * clock, unless `time` knows which of them do not count.
 */
export async function within(
  ms: number,
  work: Promise<unknown>,
  hurry?: Promise<void>,
  time = CLOCK,
): Promise<void> {
  const over = Promise.withResolvers<void>();
  const cancel = time.after(ms, over.resolve);
  await Promise.race([work, over.promise, ...hurry === undefined ? [] : [hurry]]);
  cancel();
}
