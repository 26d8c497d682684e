/** What a test waits for at most, in ms. */
export const DEADLINE_MS = 10_000;
/** A condition is looked at so soon again, and ever later while it does not hold: no wait burns a core; in ms. */
const FIRST_LOOK_MS = 2;
const LAST_LOOK_MS = 10;

/** Waits until the condition holds; throws with `what` where it never does. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  deadlineMs = DEADLINE_MS,
): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  for (let look = FIRST_LOOK_MS; !await condition(); look = Math.min(look * 1.05, LAST_LOOK_MS)) {
    if (performance.now() > deadline) throw new Error(`waited ${deadlineMs} ms in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, look));
  }
}

/** The promise's value; throws with `what` where it takes longer than the deadline. */
export async function within<T>(what: string, promise: Promise<T>, deadlineMs = DEADLINE_MS): Promise<T> {
  let timer = 0;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${deadlineMs} ms in vain for ${what}`)), deadlineMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
