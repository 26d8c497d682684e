import { AsyncListener } from "./async_listener.ts";
import { EpollListener } from "./epoll_listener.ts";
import type { EpollLoop } from "./epoll_loop.ts";
import { type NetContext, StreamHandler } from "./stream_handler.ts";

/** A host and port for TCP, or the path of a Unix socket. */
export type ListenAddress = { readonly hostname: string; readonly port: number } | { readonly path: string };

/** A listening stream socket, whatever serves its connections. */
export interface StreamListener {
  readonly handler: StreamHandler;
  /** Where it listens; with port 0 asked for, the port that was given. */
  readonly address: Deno.Addr;
  /** Takes no more connections. Those that are open go on. */
  stopAccepting(): Promise<void>;
}

/**
 * Listens on TCP or a Unix socket and serves what connects: with epoll where there is a loop, else with Deno's own
 * sockets. Throws the system's error where it cannot listen.
 */
export function listenStream(
  address: ListenAddress,
  asyncReply: boolean,
  context: NetContext,
  loop: EpollLoop | null,
): StreamListener {
  const transport = "path" in address ? "unix" : "tcp";
  const handler = new StreamHandler(transport, asyncReply, context);
  const listen = () =>
    "path" in address
      ? Deno.listen({ transport: "unix", path: address.path })
      : Deno.listen({ transport: "tcp", hostname: address.hostname, port: address.port });
  return loop === null ? new AsyncListener(listen(), handler) : EpollListener.open(listen, handler, loop);
}
