import type { Log } from "../observe/log.ts";
import type { ServerCounters } from "../observe/server_stats.ts";
import type { ReplyRoutes } from "../router/reply_routes.ts";
import type { Router } from "../router/router.ts";
import type { NetLimits } from "./limits.ts";
import { StreamConnection } from "./stream_connection.ts";

/** What every listener and connection works with. */
export interface NetContext {
  readonly router: Router;
  readonly routes: ReplyRoutes;
  readonly counters: ServerCounters;
  readonly limits: NetLimits;
  readonly log: Log;
  /** Monotonic, in ms. */
  readonly now: () => number;
}

/** What a connection needs of its listener. */
export interface StreamHandler {
  readonly router: Router;
  readonly routes: ReplyRoutes;
  readonly limits: NetLimits;
  readonly asyncReply: boolean;
  readonly now: () => number;
  /** Counts a message. */
  received(): void;
  closed(connection: StreamConnection): void;
  /** Closes a connection that does not read its replies. */
  closeSlow(connection: StreamConnection): void;
}

/** A host and port for TCP, or the path of a Unix socket. */
export type ListenAddress = { readonly hostname: string; readonly port: number } | { readonly path: string };

/** After an accept that failed (no descriptor left), the next one is tried after this long; in ms. */
const ACCEPT_PAUSE_MS = 100;

/** Listens on TCP or a Unix socket and serves what connects. */
export class StreamListener implements StreamHandler {
  readonly router: Router;
  readonly routes: ReplyRoutes;
  readonly limits: NetLimits;
  readonly now: () => number;
  readonly connections = new Set<StreamConnection>();
  readonly #listener: Deno.Listener;
  #accepting: Promise<void>;
  #closed = false;
  #pause: { timer: number; end: () => void } | null = null;

  /** Opens the socket; throws the system's error where it cannot. */
  constructor(address: ListenAddress, readonly asyncReply: boolean, readonly context: NetContext) {
    this.router = context.router;
    this.routes = context.routes;
    this.limits = context.limits;
    this.now = context.now;
    this.#listener = "path" in address
      ? Deno.listen({ transport: "unix", path: address.path })
      : Deno.listen({ transport: "tcp", hostname: address.hostname, port: address.port });
    this.#accepting = this.#accept();
  }

  /** Where it listens; with port 0 asked for, the port that was given. */
  get address(): Deno.Addr {
    return this.#listener.addr;
  }

  received(): void {
    if (this.#listener.addr.transport === "tcp") this.context.counters.tcpMessages++;
    else this.context.counters.unixMessages++;
  }

  closed(connection: StreamConnection): void {
    this.connections.delete(connection);
    this.context.counters.connectionsOpen--;
  }

  closeSlow(connection: StreamConnection): void {
    this.context.counters.slowReadersClosed++;
    this.context.log.warn("a caller does not read its replies and is closed");
    connection.close();
  }

  /** Closes the connections that have left too much unread for too long. */
  closeSlowReaders(): void {
    const since = this.now() - this.limits.slowReaderTimeout;
    for (const connection of this.connections) {
      if (connection.slowSince !== 0 && connection.slowSince <= since) this.closeSlow(connection);
    }
  }

  /** Takes no more connections. Those that are open go on. */
  async stopAccepting(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#pause !== null) {
      clearTimeout(this.#pause.timer);
      this.#pause.end();
    }
    this.#listener.close();
    await this.#accepting;
  }

  async #accept(): Promise<void> {
    const { counters, limits, log } = this.context;
    while (!this.#closed) {
      let socket: Deno.Conn;
      try {
        socket = await this.#listener.accept();
      } catch (error) {
        if (this.#closed) return;
        log.error("a connection could not be accepted", { error: String(error) });
        await this.#wait(ACCEPT_PAUSE_MS);
        continue;
      }
      if (counters.connectionsOpen >= limits.maxConnections) {
        counters.connectionsRefused++;
        log.warn("a connection was refused: there are max_connections already", {
          max_connections: limits.maxConnections,
        });
        socket.close();
        continue;
      }
      this.#serve(socket);
    }
  }

  #serve(socket: Deno.Conn): void {
    const { counters } = this.context;
    counters.connectionsAccepted++;
    counters.connectionsOpen++;
    if (socket.remoteAddr.transport === "tcp") {
      try {
        const tcp = socket as Deno.TcpConn;
        tcp.setNoDelay(true);
        tcp.setKeepAlive(true);
      } catch {
        // The caller has gone already; the first read will tell.
      }
    }
    const connection = new StreamConnection(socket, this);
    this.connections.add(connection);
    connection.start();
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        this.#pause = null;
        resolve();
      };
      this.#pause = { timer: setTimeout(end, ms), end };
    });
  }
}
