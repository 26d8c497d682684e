import type { LimitLog } from "../observe/limit_log.ts";
import type { Log } from "../observe/log.ts";
import type { ServerCounters } from "../observe/server_stats.ts";
import type { ReplyRoutes } from "../router/reply_routes.ts";
import type { Router } from "../router/router.ts";
import type { HandshakeBudget } from "../tls/handshake_budget.ts";
import type { Admission } from "./admission.ts";
import type { DatagramGuard } from "./datagram_guard.ts";
import type { NetLimits } from "./limits.ts";
import type { ListenerOptions } from "./listener_options.ts";

/** A check that comes later than so many ms after the last says that the process was stopped, or had no time at all. */
const MAX_STEP_MS = 2000;

/** What every listener and connection works with. */
export interface NetContext {
  readonly router: Router;
  readonly routes: ReplyRoutes;
  readonly counters: ServerCounters;
  /** Those that count now; others may be set while connections are open. */
  limits: NetLimits;
  readonly limitLog: LimitLog;
  readonly admission: Admission;
  readonly guard: DatagramGuard;
  readonly handshakes: HandshakeBudget;
  readonly log: Log;
  /** Monotonic, in ms. */
  readonly now: () => number;
}

/** What a handler does with a connection. */
export interface HandledConnection {
  /** Where it comes from; empty for a Unix socket. */
  readonly address: string;
  /** Since when more replies are unread than may be, by {@link StreamHandler.time}; 0 where they are not. */
  readonly slowSince: number;
  liftMaxFrame(bytes: number): void;
  /** Looks again who it is and whether it may be here. */
  recheck(): void;
  /** Looks at its time-outs. */
  check(time: number): void;
  close(): void;
  /** Sends what is owed, and closes. */
  finish(): void;
  readonly ended: Promise<void>;
}

/** The connections of one listener: counts them, and closes those that keep it waiting. */
export class StreamHandler {
  readonly router: Router;
  readonly routes: ReplyRoutes;
  readonly now: () => number;
  readonly connections = new Set<HandledConnection>();
  /** The time that connections are measured by, in ms: monotonic, and it stands still while the process does. */
  #time = 1;
  #checkedAt: number;

  constructor(
    readonly transport: "tcp" | "unix",
    /** What its connections are counted as. */
    readonly kind: "tcp" | "unix" | "http",
    /** For the connections that come. */
    public options: ListenerOptions,
    readonly context: NetContext,
  ) {
    this.router = context.router;
    this.routes = context.routes;
    this.now = context.now;
    this.#checkedAt = context.now();
  }

  /** Now, as connections are measured; in ms, above 0. */
  get time(): number {
    return this.#time + Math.min(this.now() - this.#checkedAt, MAX_STEP_MS);
  }

  get limits(): NetLimits {
    return this.context.limits;
  }

  /** Lets open connections, too, send messages as long as the limits allow now; those that were longer stay allowed. */
  liftMaxFrame(): void {
    for (const connection of this.connections) connection.liftMaxFrame(this.limits.maxFrame);
  }

  /** Lets in and answers by these from now on; who is here already is looked at again, but answered as before. */
  become(options: ListenerOptions): void {
    this.options = options;
    for (const connection of this.connections) connection.recheck();
  }

  /** Whether one more connection from there may be served; counts it as refused where not. */
  admits(address: string): boolean {
    const { admission, counters, limitLog } = this.context;
    if (this.options.access.admits(address)) return admission.admits(address);
    limitLog.reached("allow", { address });
    counters.connectionsRefused++;
    return false;
  }

  opened(connection: HandledConnection): void {
    this.context.admission.opened(connection.address);
    this.context.counters.openByKind[this.kind]++;
    this.connections.add(connection);
  }

  closed(connection: HandledConnection): void {
    this.connections.delete(connection);
    this.context.admission.closed(connection.address);
    this.context.counters.openByKind[this.kind]--;
  }

  /** A connection goes on as another one: its handshake is over. */
  replaced(before: HandledConnection, after: HandledConnection): void {
    this.connections.delete(before);
    this.connections.add(after);
  }

  /** Counts a message. */
  received(): void {
    if (this.transport === "tcp") this.context.counters.tcpMessages++;
    else this.context.counters.unixMessages++;
  }

  /** Closes a connection that does not read its replies. */
  closeSlow(connection: HandledConnection): void {
    this.context.counters.slowReadersClosed++;
    this.context.limitLog.reached("slow_reader_timeout");
    connection.close();
  }

  /**
   * Looks at each connection: has it left too much unread for too long, does a message not end, is it idle? Called about
   * once a second, which is how exact the time-outs are. A check that comes late judges nobody: what callers did
   * meanwhile may not have been read.
   */
  check(): void {
    const now = this.now();
    const step = now - this.#checkedAt;
    this.#checkedAt = now;
    if (step > MAX_STEP_MS) return;
    this.#time += step;
    const since = this.#time - this.limits.slowReaderTimeout;
    for (const connection of this.connections) {
      if (connection.slowSince !== 0 && connection.slowSince <= since) this.closeSlow(connection);
      else connection.check(this.#time);
    }
  }
}
