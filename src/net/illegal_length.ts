import type { LimitLog } from "../observe/limit_log.ts";

/** What the first bytes of TLS are where a length is expected: a record of a handshake, and the version's first byte. */
const TLS_HELLO = 0x1603;

/** Counts, and tells of, a message whose length is out of bounds; that of a caller who speaks TLS looks like one. */
export function tellIllegalLength(
  limitLog: LimitLog,
  announced: number,
  maxFrame: number,
  address: string,
): void {
  if (announced >>> 16 === TLS_HELLO) limitLog.reached("tls_on_plain", { address });
  else limitLog.reached("max_frame", { max_frame: maxFrame });
}
