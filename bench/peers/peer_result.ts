import type { LoadResult } from "../loadgen.ts";

/** What one system did in one round. */
export interface PeerResult extends LoadResult {
  /** What the server used of all cores for an operation; not its workers and clients that are other processes. */
  readonly cpuMicroseconds: number;
}
