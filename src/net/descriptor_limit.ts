import type { Log } from "../observe/log.ts";
import type { Libc } from "./libc.ts";
import type { NetLimits } from "./limits.ts";

const RLIMIT_NOFILE = 7;
/** Of the descriptors that are free, one in so many is left to plugins and files, and at least so many. */
const SPARE_SHARE = 8;
const MIN_SPARE = 4;

/** How many connections the descriptors allow. */
interface DescriptorBound {
  /** Descriptors that the process may have. */
  readonly descriptors: number;
  /** Connections that fit beside what is open already. */
  readonly connections: number;
}

/** The limits, with no more connections than the system has descriptors for. */
export function fitLimits<Limits extends NetLimits>(limits: Limits, libc: Libc | null, log: Log): Limits {
  const bound = libc === null ? null : descriptorBound(libc);
  if (bound === null || bound.connections >= limits.maxConnections) return limits;
  log.warn("max_connections is lowered: the system allows too few file descriptors (ulimit -n)", {
    max_connections: limits.maxConnections,
    lowered_to: bound.connections,
    descriptors: bound.descriptors,
  });
  return { ...limits, maxConnections: bound.connections };
}

/** What the system allows this process now; null where it does not say. */
function descriptorBound(libc: Libc): DescriptorBound | null {
  const descriptors = limitOf(libc);
  const open = openDescriptors();
  if (descriptors === null || open === null) return null;
  const free = descriptors - open;
  const spare = Math.max(MIN_SPARE, Math.floor(free / SPARE_SHARE));
  return { descriptors, connections: Math.max(1, free - spare) };
}

/** How many descriptors the process may still open; null where the system does not say. */
export function freeDescriptors(libc: Libc): number | null {
  const descriptors = limitOf(libc);
  const open = openDescriptors();
  return descriptors === null || open === null ? null : Math.max(0, descriptors - open);
}

function limitOf(libc: Libc): number | null {
  // struct rlimit: the limit that counts, then the one that it may be raised to; Deno has done that at its start.
  const limits = new BigUint64Array(2);
  return libc.getrlimit(RLIMIT_NOFILE, new Uint8Array(limits.buffer)) === 0 ? Number(limits[0]) : null;
}

function openDescriptors(): number | null {
  try {
    // Since Linux 6.2 it is the folder's size; before, that is 0.
    const { size } = Deno.statSync("/proc/self/fd");
    if (size > 0) return size;
    return [...Deno.readDirSync("/proc/self/fd")].length;
  } catch {
    return null;
  }
}
