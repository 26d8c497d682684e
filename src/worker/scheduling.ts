import { processThreads } from "./worker_threads.ts";

const SCHED_OTHER = 0;
const SCHED_IDLE = 5;
const SYMBOLS = {
  sched_setscheduler: { parameters: ["i32", "i32", "buffer"], result: "i32" },
} as const;
/** struct sched_param of what has no real-time priority. */
const NO_PRIORITY = new Uint8Array(4);

/**
 * Takes the calling thread, and with it all that it starts, out of the real-time priority that it may have inherited from the
 * server's main thread: plugins never run before others.
 */
export function leaveRealtime(): void {
  setPolicy([0], SCHED_OTHER);
}

/** The same for all threads of this process. */
export function leaveRealtimeWholly(): void {
  setPolicy(processThreads().map(Number), SCHED_OTHER);
}

/** Lets threads of this process run only while nobody else wants their core. */
export function runWhenIdle(threads: readonly string[]): void {
  setPolicy(threads.map(Number), SCHED_IDLE);
}

function setPolicy(threads: readonly number[], policy: number): void {
  if (Deno.build.os !== "linux") return;
  try {
    const library = Deno.dlopen("libc.so.6", SYMBOLS);
    for (const thread of threads) library.symbols.sched_setscheduler(thread, policy, NO_PRIORITY);
    library.close();
  } catch {
    // Another C library: threads stay as they are.
  }
}
