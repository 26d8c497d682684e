import type { LibcLibrary } from "./libc.ts";

const PAGE_BYTES = 4096n;
const MADV_DONTNEED = 4;

/** Gives the memory of whole pages back to the system; what is read from it afterwards is 0. */
export function pageDiscarder({ symbols }: LibcLibrary): (bytes: Uint8Array) => void {
  return (bytes) => {
    // Deno declares the parameter without shared memory, which is what these bytes lie in.
    const start = Deno.UnsafePointer.value(Deno.UnsafePointer.of(bytes as Uint8Array<ArrayBuffer>));
    const first = (start + PAGE_BYTES - 1n) / PAGE_BYTES * PAGE_BYTES;
    const end = (start + BigInt(bytes.length)) / PAGE_BYTES * PAGE_BYTES;
    if (end > first) symbols.madvise(Deno.UnsafePointer.create(first), end - first, MADV_DONTNEED);
  };
}
