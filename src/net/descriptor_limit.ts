import type { Libc } from "./libc.ts";

const RLIMIT_NOFILE = 7;
/** Of the descriptors that are free, one in so many is left to plugins and files, and at least so many. */
const SPARE_SHARE = 8;
const MIN_SPARE = 4;

/** How many connections the descriptors allow. */
export interface DescriptorBound {
  /** Descriptors that the process may have. */
  readonly descriptors: number;
  /** Connections that fit beside what is open already. */
  readonly connections: number;
}

/** What the system allows this process now; null where it does not say. */
export function descriptorBound(libc: Libc): DescriptorBound | null {
  // struct rlimit: the limit that counts, then the one that it may be raised to; Deno has done that at its start.
  const limits = new BigUint64Array(2);
  if (libc.getrlimit(RLIMIT_NOFILE, new Uint8Array(limits.buffer)) !== 0) return null;
  const descriptors = Number(limits[0]);
  const open = openDescriptors();
  if (open === null) return null;
  const free = descriptors - open;
  const spare = Math.max(MIN_SPARE, Math.floor(free / SPARE_SHARE));
  return { descriptors, connections: Math.max(1, free - spare) };
}

function openDescriptors(): number | null {
  try {
    return [...Deno.readDirSync("/proc/self/fd")].length;
  } catch {
    return null;
  }
}
