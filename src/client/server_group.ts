import { Encoding } from "../protocol/body.ts";
import { ReplyCode } from "../protocol/codes.ts";
import type { Reply } from "../protocol/reply.ts";
import { describeAddress, parseAddress, type ServerAddress } from "./address.ts";
import {
  checkLogin,
  checkTimeout,
  type ClientRequest,
  type Connection,
  type ConnectionOptions,
  MAX_TIMEOUT_MS,
} from "./connection.ts";
import { ConnectError, ConnectionLostError, TimeoutError } from "./errors.ts";
import { patient } from "./patient.ts";
import { chooseServer } from "./server_choice.ts";
import { type Fortune, type Patience, ServerHealth } from "./server_health.ts";
import { serverOrder } from "./server_order.ts";
import { sockets } from "./sockets.ts";
import { ServerPool, type TokenSource } from "./server_pool.ts";

const DEFAULT_TIMEOUT_MS = 5000;
const MAX_CONNECTIONS = 1000;
const PATIENCE: Patience = { deadMs: 60_000, minBackoffMs: 50, maxBackoffMs: 5000 };
const FORTUNE: Fortune = { now: () => performance.now(), random: () => Math.random() };

/** How servers are reached. */
export interface ServerGroupOptions
  extends Omit<ConnectionOptions, "token" | "timeoutMs" | "signal">, Partial<Patience> {
  /** One server or several, each an address or its text: `tls://mevent.example:26443`. Default `tcp://127.0.0.1:26000`. */
  readonly servers?: string | ServerAddress | readonly (string | ServerAddress)[];
  /** Connections to each server, opened as they are needed; 1 to 1000, default 1: calls do not wait for each other on it. */
  readonly connections?: number;
  /** How long a call may take, connecting included, where it says nothing else; in ms, default 5000. */
  readonly timeoutMs?: number;
  /**
   * How long a try to connect may take, TLS and the login included, in ms; default `timeoutMs`, of several servers a third of it, so
   * that a call has time left for another one.
   */
  readonly connectTimeoutMs?: number;
  /** How params are written: JSON, or HDF for plugins that tell the two apart. Default `json`. */
  readonly encoding?: "json" | "hdf";
  /** Who this is, for servers that ask: sent first on each connection. A function is asked each time. Not over UDP. */
  readonly token?: TokenSource;
}

/** Servers that do the same, with the connections to them. */
export class ServerGroup {
  readonly timeoutMs: number;
  readonly encoding: Encoding;
  readonly #pools: readonly ServerPool[];
  /** The pools in the order of the C client, once somebody has asked for it. */
  #ordered: Promise<readonly ServerPool[]> = Promise.resolve([]);
  /** When that order is to be found anew, on the clock of `performance.now()`. */
  #orderedUntil = 0;
  readonly #deadMs: number;
  #isClosed = false;

  /** Throws TypeError and RangeError where an option is wrong; connects to nobody yet. */
  constructor(options: ServerGroupOptions) {
    const {
      servers = "tcp://127.0.0.1:26000",
      connections = 1,
      encoding = "json",
      token,
      timeoutMs = DEFAULT_TIMEOUT_MS,
      deadMs = PATIENCE.deadMs,
      minBackoffMs = PATIENCE.minBackoffMs,
      maxBackoffMs = PATIENCE.maxBackoffMs,
      connectTimeoutMs = isList(servers) && servers.length > 1 ? timeoutMs / 3 : timeoutMs,
      ...others
    } = options;
    const patience = { deadMs, minBackoffMs, maxBackoffMs };
    const addresses = (isList(servers) ? servers : [servers]).map((server) =>
      typeof server === "string" ? parseAddress(server) : server
    );
    if (addresses.length === 0) throw new TypeError("there is no server: give at least one");
    if (!Number.isInteger(connections) || connections < 1 || connections > MAX_CONNECTIONS) {
      throw new RangeError(`connections is ${connections}: give a whole number from 1 to ${MAX_CONNECTIONS}`);
    }
    if (encoding !== "json" && encoding !== "hdf") {
      throw new TypeError(`encoding is ${JSON.stringify(encoding)}: give "json" or "hdf"`);
    }
    if (token !== undefined) { for (const { transport } of addresses) checkLogin(transport); }
    for (const [name, ms] of Object.entries(patience)) {
      if (!(ms >= 0 && ms <= MAX_TIMEOUT_MS)) {
        throw new RangeError(`${name} is ${ms}: give 0 to ${MAX_TIMEOUT_MS} ms`);
      }
    }
    sockets.checkTls(others.tls ?? {});
    checkTimeout(timeoutMs);
    checkTimeout(connectTimeoutMs);
    this.timeoutMs = timeoutMs;
    this.#deadMs = deadMs;
    this.encoding = encoding === "hdf" ? Encoding.Hdf : Encoding.Json;
    const poolOptions = { ...others, connections, connectTimeoutMs, token };
    this.#pools = addresses.map((address) =>
      new ServerPool(address, poolOptions, new ServerHealth(patience, FORTUNE))
    );
  }

  /** Calls that wait for their replies. */
  get inFlight(): number {
    return this.#pools.reduce((sum, { inFlight }) => sum + inFlight, 0);
  }

  /**
   * Sends a request to the key's server, or to any where the key is "", and waits for its reply, whatever its code. One that has left
   * is not sent again. Throws as `Connection.call` does, ConnectError where nobody can be reached in time, AuthError.
   */
  async send(request: ClientRequest, key: string): Promise<Reply> {
    const { timeoutMs = this.timeoutMs, signal } = request;
    checkTimeout(timeoutMs);
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      signal?.throwIfAborted();
      if (this.#isClosed) throw new ConnectionLostError("the client was closed");
      const isFree = key === "" || this.#pools.length === 1;
      const pools = isFree ? this.#pools : await this.#inOrder(deadline, signal);
      const pool = chooseServer(pools, key, FORTUNE.random);
      const connection = await connected(pool, deadline, signal);
      // It could not be reached, and nothing was sent: another server's turn, or another try.
      if (connection === null || !connection.isOpen) continue;
      const left = deadline - performance.now();
      if (left > 0) return await answered(pool, connection, { ...request, timeoutMs: Math.ceil(left) });
      throw unreachable(pool);
    }
  }

  /** Closes all connections, and waits until nothing of them is under way. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#pools.map((pool) => pool.close()));
  }

  #inOrder(deadline: number, signal: AbortSignal | undefined): Promise<readonly ServerPool[]> {
    if (this.#orderedUntil <= performance.now()) {
      this.#orderedUntil = Infinity;
      this.#ordered = this.#findOrder();
    }
    return patient(this.#ordered, deadline, signal, () => {
      return new ConnectError("cannot look up the servers' names in the time that the call has");
    });
  }

  async #findOrder(): Promise<readonly ServerPool[]> {
    const { places, isCertain } = await serverOrder(this.#pools.map(({ address }) => address));
    // A name that was not found may be later.
    if (!isCertain) this.#orderedUntil = performance.now() + this.#deadMs;
    return places.map((place) => this.#pools[place]!);
  }
}

/** Null where it cannot be reached and there is time left. */
async function connected(
  pool: ServerPool,
  deadline: number,
  signal: AbortSignal | undefined,
): Promise<Connection | null> {
  const found = pool.connection();
  if (!(found instanceof Promise)) return found;
  try {
    return await patient(found, deadline, signal, () => unreachable(pool));
  } catch (error) {
    if (error instanceof ConnectError && performance.now() < deadline) return null;
    throw error;
  }
}

function unreachable({ address, problem }: ServerPool): ConnectError {
  return problem ??
    new ConnectError(`cannot reach ${describeAddress(address)} in the time that the call has`);
}

async function answered(pool: ServerPool, connection: Connection, request: ClientRequest): Promise<Reply> {
  try {
    const reply = await connection.call(request);
    if (reply.code === ReplyCode.Error) pool.health.failed();
    else pool.health.succeeded();
    return reply;
  } catch (error) {
    if (error instanceof TimeoutError || error instanceof ConnectionLostError) pool.health.failed();
    throw error;
  }
}

function isList<T>(value: T | readonly T[]): value is readonly T[] {
  return Array.isArray(value);
}
