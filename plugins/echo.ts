import type { Plugin } from "mevent/plugin";

/** Longest sleep of command 1003, in ms: a day. */
const MAX_SLEEP_MS = 86_400_000;

/** Answers with what it was sent; for trying mevent out and for measuring it. */
export default {
  name: "echo",
  biz: 3,
  description: "answers with what it was sent",
  concurrency: 256,
  commands: {
    1001: {
      name: "echo",
      description: "returns its params",
      run: (context) => context.params,
    },
    1002: {
      name: "nothing",
      description: "returns nothing",
      run: () => {},
    },
    1003: {
      name: "sleep",
      description: "returns nothing after `ms` milliseconds",
      run: (context) => {
        const ms = context.params.int("ms");
        if (ms < 0 || ms > MAX_SLEEP_MS) {
          throw context.fail(25, `ms is to be from 0 to ${MAX_SLEEP_MS}, not ${ms}`);
        }
        return sleep(ms, context.signal);
      },
    },
  },
} satisfies Plugin;

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    }, { once: true });
  });
}
