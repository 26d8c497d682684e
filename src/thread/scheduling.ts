const SCHED_OTHER = 0;
const SCHED_FIFO = 1;
const SCHED_IDLE = 5;
const SYMBOLS = {
  sched_getscheduler: { parameters: ["i32"], result: "i32" },
  sched_setscheduler: { parameters: ["i32", "i32", "buffer"], result: "i32" },
} as const;

/**
 * Does what starts a thread or a process while the calling thread has no real-time priority: they would have it, too, and
 * plugins never run before others.
 */
export function outOfRealtime<T>(start: () => T): T {
  const library = open();
  if (library === null) return start();
  const { sched_getscheduler, sched_setscheduler } = library.symbols;
  try {
    if (sched_getscheduler(0) !== SCHED_FIFO) return start();
    sched_setscheduler(0, SCHED_OTHER, priority(0));
    try {
      return start();
    } finally {
      sched_setscheduler(0, SCHED_FIFO, priority(1));
    }
  } finally {
    library.close();
  }
}

/** Lets threads of this process run only while nobody else wants their core. */
export function runWhenIdle(threads: readonly string[]): void {
  const library = open();
  if (library === null) return;
  for (const thread of threads) library.symbols.sched_setscheduler(Number(thread), SCHED_IDLE, priority(0));
  library.close();
}

function open(): Deno.DynamicLibrary<typeof SYMBOLS> | null {
  if (Deno.build.os !== "linux") return null;
  try {
    return Deno.dlopen("libc.so.6", SYMBOLS);
  } catch {
    // Another C library: there is no real time here, and threads stay as they are.
    return null;
  }
}

/** struct sched_param */
function priority(value: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new Int32Array([value]).buffer);
}
