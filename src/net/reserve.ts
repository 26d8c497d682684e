/** Descriptors kept: enough for two control connections and for a worker's thread to start. */
const KEPT = 12;

/**
 * File descriptors that are kept back for what must work when the process has none left: taking a connection to close
 * it, letting the control socket answer, starting a worker's thread (which without descriptors ends the whole process).
 *
 * ```
 * full ──release──► short ──refill──► full       while it is short, listeners close what they accept
 * ```
 */
export class DescriptorReserve {
  /** What it has lent is needed in a moment: {@link refill} does nothing meanwhile. */
  isAwaited = false;
  readonly #files: Deno.FsFile[] = [];
  #size: number;

  constructor(size = KEPT) {
    // Windows has handles, and no bound that is ever met.
    this.#size = Deno.build.os === "windows" ? 0 : size;
    this.refill();
  }

  /** Some of it is lent, or could not be had back yet. */
  get isShort(): boolean {
    return this.#files.length < this.#size;
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

  /** Sees to it that so many descriptors can be had now, from the reserve where there are no others. */
  makeRoom(count: number): boolean {
    const probes: Deno.FsFile[] = [];
    while (probes.length < count) {
      const file = open();
      if (file === null) break;
      probes.push(file);
    }
    const missing = count - probes.length;
    for (const file of probes) file.close();
    return missing === 0 || this.release(missing);
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

/** A descriptor that costs nothing but itself; null where there is none. */
function open(): Deno.FsFile | null {
  try {
    return Deno.openSync("/dev/null");
  } catch {
    return null;
  }
}
