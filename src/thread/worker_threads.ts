/** The threads of this process; Linux alone lists them. */
const TASKS = "/proc/self/task";
/** How Deno names the threads of Web Workers. */
const WORKER_NAME = /^worker-/;
/** In /proc/…/stat, behind the name in parentheses: user and system time, in ticks, from the third field on. */
const USER_TIME = 11;
const SYSTEM_TIME = 12;

/** The ids of all threads of Web Workers; empty where they cannot be told. */
export function workerThreads(): string[] {
  return processThreads().filter((id) => processorTime(id) !== undefined);
}

/** The ids of all threads of this process; empty where they cannot be told. */
export function processThreads(): string[] {
  try {
    return [...Deno.readDirSync(TASKS)].map(({ name }) => name);
  } catch {
    return [];
  }
}

/** For how long a thread has run, in ms; NaN where it has ended. */
export function runTime(id: string): number {
  try {
    return parseInt(Deno.readTextFileSync(`${TASKS}/${id}/schedstat`)) / 1e6;
  } catch {
    return NaN;
  }
}

/** What a Web Worker's thread has used, in ticks of the kernel's clock; undefined where it has ended. */
export function processorTime(id: string): number | undefined {
  try {
    if (!WORKER_NAME.test(Deno.readTextFileSync(`${TASKS}/${id}/comm`))) return undefined;
    const stat = Deno.readTextFileSync(`${TASKS}/${id}/stat`);
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return Number(fields[USER_TIME]) + Number(fields[SYSTEM_TIME]);
  } catch {
    return undefined;
  }
}
