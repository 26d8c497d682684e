import { followLeftovers, leftovers, removeAll } from "../leftovers.ts";

/** A signal that has been heard ends the process within microseconds; in ms. */
const END_MS = 5000;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Does the work; a signal that ends the process meanwhile leaves none of its temporary files behind. */
export async function endCleanly(work: () => Promise<number>): Promise<number> {
  const forget = beforeSignals(() => removeAll(leftovers()));
  try {
    return await work();
  } finally {
    forget();
  }
}

/** The same for work that may keep this thread busy for good, as somebody's test does: another thread hears the signals. */
export async function endBusyCleanly(work: () => Promise<number>): Promise<number> {
  const thread = new Worker(new URL("./ending_thread.ts", import.meta.url), { type: "module" });
  const ending = await new Promise<Int32Array>((resolve) => thread.onmessage = ({ data }) => resolve(data));
  const unfollow = followLeftovers((paths) => thread.postMessage(paths));
  try {
    return await work();
  } finally {
    // Work whose files go under its hands fails: that is nothing to tell, for the signal ends the process.
    if (Atomics.load(ending, 0) !== 0) await new Promise((resolve) => setTimeout(resolve, END_MS));
    unfollow();
    thread.terminate();
  }
}

/** Has it done before a signal ends the process, as that signal does by itself. The result forgets it. */
export function beforeSignals(last: () => void): () => void {
  const listeners = SIGNALS.map((signal) => {
    const end = () => {
      last();
      Deno.removeSignalListener(signal, end);
      Deno.kill(Deno.pid, signal);
    };
    Deno.addSignalListener(signal, end);
    return () => Deno.removeSignalListener(signal, end);
  });
  return () => {
    for (const forget of listeners) forget();
  };
}
