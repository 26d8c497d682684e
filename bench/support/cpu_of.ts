/** The kernel's unit in /proc, in ms. */
const TICK_MS = 10;

/** What a process has used of all cores so far, all its threads, in ms. */
export function cpuOf(pid: number): number {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  // Behind the name, which may have any characters: the state is the third field, utime the 14th, stime the 15th.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}
