import type { Io } from "../io.ts";

const PROGRESS_MS = 1000;

/** A line on stderr that is written anew each second, where people look; to be ended, more than once does no harm. */
export function benchProgress(line: () => string, { stderr }: Io): { end(): Promise<void> } {
  if (!stderr.isTerminal) return { end: () => Promise.resolve() };
  let writing = Promise.resolve();
  let isEnded = false;
  const timer = setInterval(() => {
    const text = `\r\x1b[K${line()}`;
    // Where stderr is gone there is nobody to tell.
    writing = writing.then(() => stderr.write(text)).catch(() => clearInterval(timer));
  }, PROGRESS_MS);
  return {
    async end() {
      if (isEnded) return;
      isEnded = true;
      clearInterval(timer);
      await writing;
      await stderr.write("\r\x1b[K").catch(() => {});
    },
  };
}
