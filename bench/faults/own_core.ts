const SCHED_FIFO = 1;
/** struct sched_param with the lowest real-time priority. */
const PARAM = new Uint8Array(new Int32Array([1]).buffer);

/**
 * Gives this thread a core whenever it wants one, as a caller on another machine has. On few cores its own waiting
 * for the end of others' time slices would be measured otherwise; false where the system does not allow it.
 */
export function haveOwnCore(): boolean {
  if (Deno.build.os !== "linux") return false;
  const library = Deno.dlopen("libc.so.6", {
    sched_setscheduler: { parameters: ["i32", "i32", "buffer"], result: "i32" },
  });
  const isSet = library.symbols.sched_setscheduler(0, SCHED_FIFO, PARAM) === 0;
  library.close();
  return isSet;
}
