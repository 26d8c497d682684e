import type { StreamHandler } from "./stream_handler.ts";

/** A listening stream socket, whatever serves its connections. */
export interface StreamListener {
  readonly handler: StreamHandler;
  /** Where it listens; with port 0 asked for, the port that was given. */
  readonly address: Deno.Addr;
  /** Whether its connections may have TLS. */
  readonly canServeTls: boolean;
  /** Accepts who connects, those included who have waited for that since it was opened. */
  begin(): void;
  /** Takes no more connections. Those that are open go on. */
  stopAccepting(): Promise<void>;
}
