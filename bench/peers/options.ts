import type { Bunqueue } from "./bunqueue.ts";
import { BenchFlags, type BenchOptions, readBenchOptions } from "../support/options.ts";

/** An executable of mevent's. */
export interface Build {
  /** `mevent`, `mevent before`. */
  readonly name: string;
  readonly program: string;
}

/** What bench/peers.ts is told on its command line. */
export interface PeerOptions extends BenchOptions {
  /** The one that is measured, and those before, which take turns with it in each work. */
  readonly builds: readonly Build[];
  /** Installed where a work wants it; null where it is not. */
  readonly bunqueue: Bunqueue | null;
  /** How long a full queue is worked off, in s. */
  readonly sustainedSeconds: number;
}

/** Reads the command line; says what is wrong with it, and exits with 64 there. */
export async function readPeerOptions(names: readonly string[]): Promise<Omit<PeerOptions, "bunqueue">> {
  const flags = new BenchFlags(names, {
    against: "--against A,B     executables of builds before, by turns with --mevent in each work",
    sustained: "--sustained S     how long a full queue is worked off (10)",
  });
  const options = await readBenchOptions(flags);
  const before = flags.text("against")?.split(",") ?? [];
  return {
    ...options,
    builds: [
      { name: "mevent", program: options.mevent },
      ...before.map((path, index) => ({
        name: index === 0 ? "mevent before" : `mevent before (${index + 1})`,
        program: flags.executable(path),
      })),
    ],
    sustainedSeconds: flags.number("sustained", 10, 0.5, 60),
  };
}
