import { statfsSync } from "node:fs";
import { dirname } from "node:path";

/** Where Linux tells what it is asked for here. */
const LIMITS = "/proc/self/limits";
const MEMORY = "/proc/meminfo";
const STA_UNSYNC = 0x40;
/** struct timex on 64-bit Linux; its status lies behind modes, offset, freq, maxerror and esterror. */
const TIMEX_BYTES = 208;
const TIMEX_STATUS_AT = 40;

/** How many files a process may have open, which the server raises to the hard limit; null where the system does not say. */
export function descriptorLimit(): number | null {
  const [, , hard] = /^Max open files\s+(\S+)\s+(\S+)/m.exec(textOf(LIMITS)) ?? [];
  if (hard === undefined) return null;
  return hard === "unlimited" ? Infinity : Number(hard);
}

/** Memory that may be taken without swapping, in bytes; null where the system does not say. */
export function availableMemory(): number | null {
  const [, kib] = /^MemAvailable:\s+(\d+) kB/m.exec(textOf(MEMORY)) ?? [];
  return kib === undefined ? null : Number(kib) * 1024;
}

/** Whether somebody sets the clock by others; null where the system does not say. */
export function isClockSynchronized(): boolean | null {
  if (Deno.build.os !== "linux") return null;
  try {
    const library = Deno.dlopen("libc.so.6", { adjtimex: { parameters: ["buffer"], result: "i32" } });
    try {
      // modes = 0: it only asks.
      const timex = new Uint8Array(TIMEX_BYTES);
      if (library.symbols.adjtimex(timex) < 0) return null;
      return (new DataView(timex.buffer).getInt32(TIMEX_STATUS_AT, true) & STA_UNSYNC) === 0;
    } finally {
      library.close();
    }
  } catch {
    return null;
  }
}

/** Bytes that a user may still write there, or where that folder will be made; null where the system does not say. */
export function freeBytesAt(folder: string): number | null {
  for (let at = folder;; at = dirname(at)) {
    try {
      const { bavail, bsize } = statfsSync(at);
      return bavail * bsize;
    } catch {
      if (dirname(at) === at) return null;
    }
  }
}

/** Whether a library of the system can be loaded. */
export function hasLibrary(name: string): boolean {
  try {
    Deno.dlopen(name, {}).close();
    return true;
  } catch {
    return false;
  }
}

function textOf(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}
