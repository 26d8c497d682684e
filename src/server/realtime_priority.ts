import type { Libc } from "../net/libc.ts";
import type { Log } from "../observe/log.ts";
import { LongRuns, type Running } from "../thread/long_runs.ts";

const SCHED_OTHER = 0;
const SCHED_FIFO = 1;
const SCHED_IDLE = 5;
/** Of the capabilities in /proc/self/status: who has it may also put a thread back that ran behind all others. */
const CAP_SYS_NICE = 1n << 23n;
/** Workers that compute for long, and those that have started, are looked for this often, in ms. */
const LOOK_EVERY_MS = 5;
const PRIO_PROCESS = 0;
/** Of workers that have started: they get nine times the share of a core that those get which still start. */
const STARTED_NICE = -10;

/** A worker as it is scheduled. */
interface Scheduled extends Running {
  /** Null until it has started. */
  readonly declaration: unknown;
}

/**
 * `[server] realtime`: puts the calling thread before all that is not in real time, so that it gets a core as soon as it has
 * work, not when another thread's time slice ends. So do the threads that wait for its sockets, which it starts later; plugins'
 * do not, and those that compute for long run behind all others meanwhile. A worker that starts, which takes some 50 ms of a
 * core, runs behind those that have started.
 */
export class RealtimePriority {
  #timer: number | undefined;
  readonly #longRuns = new LongRuns((threads, isBehind) => {
    for (const thread of threads) this.#schedule(Number(thread), isBehind ? SCHED_IDLE : SCHED_OTHER);
  });

  /** Workers that were put before those that start. */
  readonly #started = new Set<Scheduled>();

  constructor(readonly libc: Libc | null, readonly log: Log, readonly workers: () => readonly Scheduled[]) {}

  /** Begins or ends it for the calling thread. Where the system does not allow it, the log says what would. */
  set(wanted: boolean): void {
    if (wanted === (this.#timer !== undefined)) return;
    if (!wanted) return this.end();
    if (maySchedule() && this.#schedule(0, SCHED_FIFO)) {
      this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
      return;
    }
    this.log.warn("realtime has no effect: the system does not allow this process real-time priority", {
      advice: "run it as root or with CAP_SYS_NICE, on Linux with glibc",
    });
  }

  end(): void {
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#longRuns.end();
    for (const worker of this.#started) this.#setNice(worker, 0);
    this.#started.clear();
    this.#schedule(0, SCHED_OTHER);
  }

  #look(): void {
    const workers = this.workers();
    this.#longRuns.look(workers);
    for (const worker of this.#started) if (!workers.includes(worker)) this.#started.delete(worker);
    for (const worker of workers) {
      const { declaration, thread: { threads } } = worker;
      // Where several threads may be it, none is.
      if (declaration === null || threads.length !== 1 || this.#started.has(worker)) continue;
      this.#started.add(worker);
      this.#setNice(worker, STARTED_NICE);
    }
  }

  #setNice({ thread: { threads } }: Scheduled, nice: number): void {
    for (const thread of threads) this.libc?.setpriority(PRIO_PROCESS, Number(thread), nice);
  }

  #schedule(thread: number, policy: number): boolean {
    // struct sched_param: the priority, the lowest of its policy.
    const param = new Uint8Array(new Int32Array([policy === SCHED_FIFO ? 1 : 0]).buffer);
    return this.libc !== null && this.libc.sched_setscheduler(thread, policy, param) === 0;
  }
}

function maySchedule(): boolean {
  try {
    const [, capabilities] = /^CapEff:\s*([0-9a-f]+)$/m.exec(Deno.readTextFileSync("/proc/self/status")) ??
      [];
    return capabilities !== undefined && (BigInt(`0x${capabilities}`) & CAP_SYS_NICE) !== 0n;
  } catch {
    return false;
  }
}
