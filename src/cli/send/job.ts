import type { ServerAddress } from "../../client/address.ts";
import type { ClientRequest } from "../../client/connection.ts";

/** What `mevent send` is to do. */
export interface SendJob {
  readonly address: ServerAddress;
  readonly request: ClientRequest;
  /** For the connection, and for each reply. */
  readonly timeoutMs: number;
  /** Whether the reply's bytes are printed as they came. */
  readonly raw: boolean;
}
