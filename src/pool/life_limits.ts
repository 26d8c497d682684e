import type { DeadLimits } from "../queue/dead_letters.ts";
import type { RetryLimits } from "./retry.ts";

/** What becomes of operations that fail or come too late. */
export interface LifeLimits {
  readonly retry: RetryLimits;
  readonly dead: DeadLimits;
  /** An operation that waited longer is not run, in ms; 0 is for ever. */
  readonly ttl: number;
  /** One that runs for longer is told in the log, in ms; 0 is none. */
  readonly slowOperation: number;
}
