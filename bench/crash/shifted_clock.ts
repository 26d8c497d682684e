import { join } from "node:path";
import { fileURLToPath } from "node:url";

const SOURCE = fileURLToPath(new URL("../../tests/durability/shifted_clock.c", import.meta.url));

/** Gives processes another time of day than the machine has: as if its clock had been set between two starts. */
export class ShiftedClock {
  /** By so much, in ms. */
  shiftMs = 0;

  private constructor(readonly library: string) {}

  /** Builds the library with `cc`, in a folder that exists; throws NotFound where there is none. */
  static async prepare(side: string): Promise<ShiftedClock> {
    const library = join(side, "shifted_clock.so");
    const { success, stderr } = await new Deno.Command("cc", {
      args: ["-shared", "-fPIC", "-O1", "-D_GNU_SOURCE", SOURCE, "-o", library, "-ldl"],
      stdout: "null",
    }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    return new ShiftedClock(library);
  }

  /** Variables for a process, beside others that have a library loaded, too. */
  env(others: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
    const before = others["LD_PRELOAD"];
    return {
      ...others,
      LD_PRELOAD: before === undefined ? this.library : `${before}:${this.library}`,
      SHIFTED_CLOCK_MS: String(this.shiftMs),
    };
  }
}
