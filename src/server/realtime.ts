import type { Libc } from "../net/libc.ts";
import type { Log } from "../observe/log.ts";

const SCHED_OTHER = 0;
const SCHED_FIFO = 1;

/**
 * Puts the calling thread before all that is not in real time, or back among them: it gets a core as soon as it has work,
 * not when another thread's time slice ends. So do the threads that wait for its sockets, which it starts later; plugins' do
 * not. Where the system does not allow it, the log says what would.
 */
export function setRealtime(wanted: boolean, libc: Libc | null, log: Log): void {
  const policy = wanted ? SCHED_FIFO : SCHED_OTHER;
  // struct sched_param: the priority, the lowest of its policy.
  const param = new Uint8Array(new Int32Array([wanted ? 1 : 0]).buffer);
  if (libc !== null && libc.sched_setscheduler(0, policy, param) === 0) return;
  if (wanted) {
    log.warn("realtime has no effect: the system does not allow this process real-time priority", {
      advice: "run it as root, with CAP_SYS_NICE, or with LimitRTPRIO=1 (ulimit -r 1), on Linux",
    });
  }
}
