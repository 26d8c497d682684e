/** Descriptors kept: enough for two control connections and for a worker's thread to start. */
const KEPT = 12;
/** For what is opened for a moment meanwhile: files that are read, a connection that is closed at once. */
const TRANSIENT = 4;

/**
 * File descriptors that are kept back for what must work when the process has none left: taking a connection to close
 * it, letting the control socket answer, starting a worker's thread (which without descriptors ends the whole process).
 *
 * ```
 * full ──release──► short ──refill──► full       while it is short, listeners close what they accept
 * ```
 */
export class DescriptorReserve {
  /** What {@link makeRoom} has made is needed in a moment: until then nobody else is to have it. */
  isAwaited = false;
  /** How many connections may be taken until then. */
  #spare = Infinity;
  readonly #files: Deno.FsFile[] = [];
  readonly #least: number;
  #size: number;

  /** @param free how many descriptors the process may still open; null where that is not known */
  constructor(size = KEPT, readonly free: () => number | null = () => null) {
    // Windows has handles, and no bound that is ever met.
    this.#size = this.#least = Deno.build.os === "windows" ? 0 : size;
    this.refill();
  }

  /** Keeps so many beside those that it always keeps, from the next {@link refill} on. */
  keepAlso(count: number): void {
    if (this.#least === 0) return;
    this.#size = this.#least + count;
    while (this.#files.length > this.#size) this.#files.pop()!.close();
  }

  /** Some of it is lent, or could not be had back yet; or all that is left is awaited. */
  get isShort(): boolean {
    return this.#files.length < this.#size || (this.isAwaited && this.#spare <= 0);
  }

  /** A connection has been taken. */
  taken(): void {
    this.#spare--;
  }

  /**
   * Frees so many descriptors for what follows at once; false, and nothing is freed, where it has fewer. What was lent
   * comes back with {@link refill}, which the server calls every second.
   */
  release(count = 1): boolean {
    if (this.#files.length < count) return false;
    for (let i = 0; i < count; i++) this.#files.pop()!.close();
    return true;
  }

  /**
   * Sees to it that so many descriptors can be had now, from the reserve where there are no others.
   *
   * @param isNeeded what they are for must work: else the reserve lends none
   */
  makeRoom(count: number, isNeeded = true): boolean {
    const free = this.free() ?? probe(count);
    if (free < count && !(isNeeded && this.release(count - free))) return false;
    this.#spare = free - count - TRANSIENT;
    return true;
  }

  /** Takes back what was lent, as far as there are descriptors. */
  refill(): void {
    while (!this.isAwaited && this.#files.length < this.#size) {
      const file = open();
      if (file === null) return;
      this.#files.push(file);
    }
  }

  close(): void {
    this.#size = 0;
    for (const file of this.#files.splice(0)) file.close();
  }
}

/** How many descriptors can be had, of so many; they are taken for a moment. */
function probe(count: number): number {
  const files: Deno.FsFile[] = [];
  while (files.length < count) {
    const file = open();
    if (file === null) break;
    files.push(file);
  }
  for (const file of files) file.close();
  // More were not looked for.
  return files.length === count ? Infinity : files.length;
}

/** A descriptor that costs nothing but itself; null where there is none. */
function open(): Deno.FsFile | null {
  try {
    return Deno.openSync("/dev/null");
  } catch {
    return null;
  }
}
