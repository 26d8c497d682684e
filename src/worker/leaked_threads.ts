/** The threads of this process; Linux alone lists them. */
const TASKS = "/proc/self/task";
/** How Deno names the threads of Web Workers. */
const WORKER_NAME = /^worker-/;
/** A thread that is still there after so many looks has not ended. */
const LOOKS = 3;

interface Ended {
  readonly threads: readonly string[];
  looks: number;
}

/**
 * Threads of workers that were ended and go on: `Worker.terminate` does not stop an endless loop. A worker's thread is
 * the one that is there after its start and was not before.
 */
export class LeakedThreads {
  /** Of the workers that live. */
  readonly #threads = new WeakMap<object, readonly string[]>();
  readonly #ended = new Set<Ended>();

  /** Starts a worker, and notes what threads came with it. */
  starting<T extends object>(start: () => T): T {
    const before = new Set(threads());
    const worker = start();
    this.#threads.set(worker, threads().filter((id) => !before.has(id) && isWorker(id)));
    return worker;
  }

  /** The worker was ended: its thread should end too. */
  terminated(worker: object): void {
    const threads = this.#threads.get(worker) ?? [];
    if (threads.length > 0) this.#ended.add({ threads, looks: 0 });
  }

  /** Looks; returns how many have not ended. */
  look(): number {
    let leaked = 0;
    for (const ended of this.#ended) {
      // Where others started at the same moment, one of several threads is the worker's: all of them are there then.
      if (!ended.threads.every(isWorker)) this.#ended.delete(ended);
      else if (++ended.looks >= LOOKS) leaked++;
    }
    return leaked;
  }
}

function threads(): string[] {
  try {
    return [...Deno.readDirSync(TASKS)].map(({ name }) => name);
  } catch {
    return [];
  }
}

function isWorker(id: string): boolean {
  try {
    return WORKER_NAME.test(Deno.readTextFileSync(`${TASKS}/${id}/comm`));
  } catch {
    return false;
  }
}
