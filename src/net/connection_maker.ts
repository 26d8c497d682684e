import type { EpollLoop } from "./epoll_loop.ts";
import type { HandledConnection, StreamHandler } from "./stream_handler.ts";
import type { StreamIo } from "./stream_io.ts";

/** Makes the connections of a listener: what speaks a protocol over a socket that was accepted. */
export interface ConnectionMaker {
  /** What they are counted as. */
  readonly kind: "wire" | "http";
  /** How the protocol is called in ALPN; a caller over TLS who names others alone is refused. */
  readonly protocols: readonly string[];
  /** @param io its own from now on; where there is TLS, its handshake is over */
  overDescriptor(io: StreamIo, loop: EpollLoop, handler: StreamHandler, address: string): HandledConnection;
  /** Over one of Deno's own. */
  overSocket(socket: Deno.Conn, handler: StreamHandler, address: string): HandledConnection;
}
