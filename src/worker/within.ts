/** Waits for a piece of work, for at most so many ms, or until `hurry` resolves where there is one. */
export async function within(ms: number, work: Promise<unknown>, hurry?: Promise<void>): Promise<void> {
  const over = Promise.withResolvers<void>();
  const timer = setTimeout(over.resolve, ms);
  await Promise.race([work, over.promise, ...hurry === undefined ? [] : [hurry]]);
  clearTimeout(timer);
}
