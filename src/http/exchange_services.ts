import type { NetLimits } from "../net/limits.ts";
import type { LimitLog } from "../observe/limit_log.ts";
import type { Log } from "../observe/log.ts";
import type { Router } from "../router/router.ts";
import type { RequestMessage } from "./request_message.ts";
import type { ResponseHeads } from "./response_heads.ts";

/** What requests are answered with. */
export interface ExchangeServices {
  readonly router: Router;
  /** What counts now. */
  readonly limits: NetLimits;
  readonly heads: ResponseHeads;
  readonly message: RequestMessage;
  readonly log: Log;
  readonly limitLog: LimitLog;
  /** No plugin answers yet. */
  isStarting(): boolean;
  /** Monotonic, in ms. */
  readonly now: () => number;
}
