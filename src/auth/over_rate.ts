import type { LimitLog } from "../observe/limit_log.ts";
import type { Identity } from "./identity.ts";

/** Counts a request that was over a rate. */
export function tellOverRate(limitLog: LimitLog, { exceeded, name }: Identity): void {
  limitLog.reached(exceeded, name === "" ? {} : { token: name });
}
