import { describeAddress, type ServerAddress } from "./address.ts";
import { Connection, type ConnectionOptions } from "./connection.ts";
import { ConnectError, ConnectionLostError } from "./errors.ts";
import { patient } from "./patient.ts";
import { ReplyError } from "./reply_error.ts";
import type { ServerHealth } from "./server_health.ts";

/** The token, or what tells it anew for each connection. */
export type TokenSource = string | (() => string | Promise<string>);

/** How the connections to a server are made. */
export interface PoolOptions extends Omit<ConnectionOptions, "token" | "timeoutMs" | "signal"> {
  /** How many at most. */
  readonly connections: number;
  /** How long a try to connect may take, in ms: the token's source, TLS and the login included. */
  readonly connectTimeoutMs: number;
  readonly token: TokenSource | undefined;
}

/** The connections to one server: opened when they are needed, and anew once they are lost. */
export class ServerPool {
  /** Why the last try to connect has failed; null where it has not. */
  problem: ConnectError | null = null;
  #open: Connection[] = [];
  #opening: Promise<Connection> | null = null;
  #pause: { readonly timer: ReturnType<typeof setTimeout>; end(): void } | null = null;
  readonly #closing = new AbortController();

  constructor(
    readonly address: ServerAddress,
    readonly options: PoolOptions,
    readonly health: ServerHealth,
  ) {}

  /** Calls that wait for their replies. */
  get inFlight(): number {
    return this.#open.reduce((sum, { inFlight }) => sum + inFlight, 0);
  }

  /**
   * The connection with the fewest calls. Another one is opened beside it while all have some. Where none is open it waits for the
   * next: rejects with ConnectError or AuthError.
   */
  connection(): Connection | Promise<Connection> {
    this.#open = this.#open.filter(({ isOpen }) => isOpen);
    const [first, ...others] = this.#open;
    if (first === undefined) return this.#opening ?? this.#connect();
    const best = others.reduce((best, each) => each.inFlight < best.inFlight ? each : best, first);
    const wantsMore = best.inFlight > 0 && this.#open.length < this.options.connections;
    if (wantsMore && this.#opening === null && this.health.pauseMs === 0) {
      // Nobody waits for it: what fails shows in the next one that somebody waits for.
      this.#connect().catch(() => {});
    }
    return best;
  }

  /** Closes all; those who wait for a connection are rejected with ConnectionLostError. */
  async close(): Promise<void> {
    this.#closing.abort(new ConnectionLostError("the client was closed"));
    this.#pause?.end();
    const opening = this.#opening?.catch(() => {});
    await Promise.all([opening, ...this.#open.map((connection) => connection.close())]);
  }

  #connect(): Promise<Connection> {
    const opening = this.#connectNow().finally(() => this.#opening = null);
    this.#opening = opening;
    return opening;
  }

  async #connectNow(): Promise<Connection> {
    await this.#pauseFor(this.health.pauseMs);
    this.#closing.signal.throwIfAborted();
    const { token: source, connectTimeoutMs, ...options } = this.options;
    const deadline = performance.now() + connectTimeoutMs;
    const token = typeof source === "function" ? await this.#tokenOf(source, deadline) : source;
    let connection: Connection;
    try {
      connection = await Connection.connect(this.address, {
        ...options,
        timeoutMs: Math.max(1, Math.ceil(deadline - performance.now())),
        signal: this.#closing.signal,
        ...token === undefined ? {} : { token },
      });
    } catch (error) {
      this.#closing.signal.throwIfAborted();
      this.problem = error instanceof ConnectError ? error : null;
      // One that answers on other connections lives.
      if (error instanceof ReplyError || this.#open.some(({ isOpen }) => isOpen)) this.health.refused();
      else this.health.unreachable();
      throw error;
    }
    if (this.#closing.signal.aborted) await connection.close();
    this.#closing.signal.throwIfAborted();
    this.health.connected();
    this.problem = null;
    this.#open.push(connection);
    return connection;
  }

  /** Waits for it no longer than a try to connect may take, and not once all is closed. */
  #tokenOf(source: () => string | Promise<string>, deadline: number): Promise<string> {
    const asked = async () => await source();
    return patient(asked(), deadline, this.#closing.signal, () => {
      const why = `nobody told the token within ${this.options.connectTimeoutMs} ms`;
      return new ConnectError(`cannot log in at ${describeAddress(this.address)}: ${why}`);
    });
  }

  async #pauseFor(ms: number): Promise<void> {
    if (ms <= 0) return;
    await new Promise<void>((resolve) => {
      this.#pause = { timer: setTimeout(resolve, Math.ceil(ms)), end: resolve };
    });
    clearTimeout(this.#pause?.timer);
    this.#pause = null;
  }
}
