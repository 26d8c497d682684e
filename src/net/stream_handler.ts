import type { Log } from "../observe/log.ts";
import type { ServerCounters } from "../observe/server_stats.ts";
import type { ReplyRoutes } from "../router/reply_routes.ts";
import type { Router } from "../router/router.ts";
import type { NetLimits } from "./limits.ts";
import type { StreamConnection } from "./stream_connection.ts";

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

/** The connections of one listener: counts them, bounds them, closes those that do not read. */
export class StreamHandler {
  readonly router: Router;
  readonly routes: ReplyRoutes;
  readonly limits: NetLimits;
  readonly now: () => number;
  readonly connections = new Set<StreamConnection>();

  constructor(
    readonly transport: "tcp" | "unix",
    /** For the connections that come. */
    public asyncReply: boolean,
    readonly context: NetContext,
  ) {
    this.router = context.router;
    this.routes = context.routes;
    this.limits = context.limits;
    this.now = context.now;
  }

  /** Whether one more connection may be served; counts it as refused where not. */
  admits(): boolean {
    const { counters, limits, log } = this.context;
    if (counters.connectionsOpen < limits.maxConnections) return true;
    counters.connectionsRefused++;
    log.warn("a connection was refused: there are max_connections already", {
      max_connections: limits.maxConnections,
    });
    return false;
  }

  /** Lets open connections, too, send messages as long as the limits allow now; those that were longer stay allowed. */
  liftMaxFrame(): void {
    for (const connection of this.connections) connection.liftMaxFrame(this.limits.maxFrame);
  }

  opened(connection: StreamConnection): void {
    this.context.counters.connectionsAccepted++;
    this.context.counters.connectionsOpen++;
    this.connections.add(connection);
  }

  closed(connection: StreamConnection): void {
    this.connections.delete(connection);
    this.context.counters.connectionsOpen--;
  }

  /** Counts a message. */
  received(): void {
    if (this.transport === "tcp") this.context.counters.tcpMessages++;
    else this.context.counters.unixMessages++;
  }

  /** Closes a connection that does not read its replies. */
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
}
