import type { ClientRequest } from "../../client/connection.ts";
import type { ServerTarget } from "../server_address.ts";

/** What `mevent send` is to do. */
export interface SendJob {
  readonly target: ServerTarget;
  readonly request: ClientRequest;
  /** For the connection, and for each reply. */
  readonly timeoutMs: number;
  /** Whether the reply's bytes are printed as they came. */
  readonly raw: boolean;
}
