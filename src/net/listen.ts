import { TlsError } from "../tls/tls_error.ts";
import { AsyncConnection } from "./async_connection.ts";
import { AsyncListener } from "./async_listener.ts";
import { AsyncDatagrams } from "./async_datagrams.ts";
import type { DatagramListener } from "./datagram_listener.ts";
import type { ConnectionMaker } from "./connection_maker.ts";
import { EpollConnection } from "./epoll_connection.ts";
import { EpollDatagrams } from "./epoll_datagrams.ts";
import { EpollListener } from "./epoll_listener.ts";
import type { EpollLoop } from "./epoll_loop.ts";
import { openWithDescriptor } from "./find_descriptor.ts";
import type { ListenerOptions } from "./listener_options.ts";
import { type SocketRights, withRights } from "./socket_rights.ts";
import { type NetContext, StreamHandler } from "./stream_handler.ts";
import type { StreamListener } from "./stream_listener.ts";
import { type ListenSocket, UnixSocket } from "./unix_socket.ts";

/** A host and port for TCP, or a Unix socket. */
export type ListenAddress = InetListenAddress | (SocketRights & { readonly path: string });

export interface InetListenAddress {
  readonly hostname: string;
  readonly port: number;
}

/** Connections that speak mevent's own protocol. */
export const WIRE: ConnectionMaker = {
  kind: "wire",
  protocols: ["mevent/1"],
  overDescriptor: (io, loop, handler, address) => new EpollConnection(io, loop, handler, address),
  overSocket: (socket, handler, address) => new AsyncConnection(socket, handler, address),
};

/**
 * Listens on TCP or a Unix socket and serves, from `begin` on, what connects: with epoll where there is a loop and the socket's descriptor
 * is found, else with Deno's own sockets. Throws the system's error where it cannot listen, and TlsError where it is to serve TLS
 * over Deno's own sockets.
 */
export function listenStream(
  address: ListenAddress,
  options: ListenerOptions,
  context: NetContext,
  loop: EpollLoop | null,
  maker = WIRE,
): StreamListener {
  const transport = "path" in address ? "unix" : "tcp";
  const handler = new StreamHandler(transport, maker.kind === "http" ? "http" : transport, options, context);
  const listen = (): ListenSocket =>
    "path" in address
      ? withRights(address.path, address, () => UnixSocket.listen(address.path))
      : Deno.listen({ transport: "tcp", hostname: address.hostname, port: address.port });
  if (loop === null) {
    if (options.tls !== null) throw noTls();
    return new AsyncListener(listen(), handler, maker);
  }
  const { socket, fd } = openWithDescriptor(loop.libc, listen);
  if (fd !== null) return new EpollListener(socket, fd, handler, loop, maker);
  if (options.tls === null) return new AsyncListener(socket, handler, maker);
  socket.close();
  throw noTls();
}

/** Says why there are listeners that cannot serve TLS. */
export function noTls(): TlsError {
  return new TlsError("TLS needs sockets that wait with epoll, and there are none here");
}

/** The same for UDP. */
export function listenDatagrams(
  address: InetListenAddress,
  options: ListenerOptions,
  context: NetContext,
  loop: EpollLoop | null,
): DatagramListener {
  const listen = () =>
    Deno.listenDatagram({ transport: "udp", hostname: address.hostname, port: address.port });
  if (loop === null) return new AsyncDatagrams(listen(), options, context);
  const { socket, fd } = openWithDescriptor(loop.libc, listen);
  return fd === null
    ? new AsyncDatagrams(socket, options, context)
    : new EpollDatagrams(socket, fd, options, context, loop);
}
