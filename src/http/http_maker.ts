import type { ConnectionMaker } from "../net/connection_maker.ts";
import { AsyncHttpConnection } from "./async_http_connection.ts";
import { EpollHttpConnection } from "./epoll_http_connection.ts";
import type { HttpServices } from "./http_services.ts";

/** Connections that speak HTTP. */
export function httpMaker(services: HttpServices): ConnectionMaker {
  return {
    kind: "http",
    protocols: ["http/1.1"],
    overDescriptor: (io, loop, handler, address) =>
      new EpollHttpConnection(io, loop, handler, services, address),
    overSocket: (socket, handler, address) => new AsyncHttpConnection(socket, handler, services, address),
  };
}
