import type { Libc } from "./libc.ts";

const M_TRIM_THRESHOLD = -1;
const M_MMAP_THRESHOLD = -3;
/** Shorter blocks are had and freed often, and without the system. */
const KEPT_BYTES = 1024 * 1024;

/**
 * Has what is freed go back to the system. Left alone, glibc keeps up to 64 MiB in each thread's part of the heap once somebody has
 * freed a block of 32 MiB; all of what a thread had that has ended.
 */
export function returnFreed({ mallopt }: Pick<Libc, "mallopt">): void {
  mallopt?.(M_MMAP_THRESHOLD, KEPT_BYTES);
  mallopt?.(M_TRIM_THRESHOLD, KEPT_BYTES);
}
