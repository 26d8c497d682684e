/** A process is looked at this often, in ms. */
const LOOK_EVERY_MS = 100;
const PAGE_BYTES = 4096;

/** Calls `exceeded` once when a process has more than so many bytes of memory in use; Linux alone can tell. */
export class ProcessMemory {
  readonly #timer: number;

  constructor(readonly pid: number, readonly maxBytes: number, readonly exceeded: (bytes: number) => void) {
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const bytes = residentBytes(this.pid);
    if (bytes === null || bytes <= this.maxBytes) return;
    this.stop();
    this.exceeded(bytes);
  }
}

/** What a process has in memory; null where that cannot be told. */
export function residentBytes(pid: number): number | null {
  try {
    // Pages: size resident shared …
    return Number(Deno.readTextFileSync(`/proc/${pid}/statm`).split(" ")[1]) * PAGE_BYTES;
  } catch {
    return null;
  }
}
