import type { Log } from "../observe/log.ts";

/** Beside what connections may still need, so many descriptors are left to workers that start and to plugins. */
const SPARE = 32;
/** Where the system does not tell how many are left, so many threads may end. */
const MOST_BLIND_ENDS = 100;

export interface ThreadEndsOptions {
  /** How many descriptors the process may still open; null where that is not known. */
  readonly free: () => number | null;
  /** How many connections may still come. */
  readonly connections: () => number;
  readonly log: Pick<Log, "warn">;
}

/** Those of a server: what connections may still come is as its limits are now. */
export function threadEnds(
  free: ThreadEndsOptions["free"],
  limits: { readonly maxConnections: number },
  counters: { readonly connectionsOpen: number },
  log: ThreadEndsOptions["log"],
): ThreadEnds {
  return new ThreadEnds({ free, connections: () => limits.maxConnections - counters.connectionsOpen, log });
}

/**
 * How often threads may end that only have no work. Deno 2.7.11 keeps two descriptors of each until the process ends: they are
 * never to be those that a connection needs.
 */
export class ThreadEnds {
  #blind = 0;
  #isTold = false;

  constructor(readonly options: ThreadEndsOptions) {}

  /** Whether one may end now; it does then. Where it may not, that is logged once. */
  mayEnd(): boolean {
    const free = this.options.free();
    const may = free === null ? this.#blind++ < MOST_BLIND_ENDS : free >= this.options.connections() + SPARE;
    if (!may && !this.#isTold) {
      this.#isTold = true;
      this.options.log.warn(
        "workers without work stay: ended ones have left too many file descriptors behind",
        {
          ...free === null ? {} : { descriptors_free: free },
          advice: "raise ulimit -n, or restart now and then",
        },
      );
    }
    return may;
  }
}
