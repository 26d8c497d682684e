import { loadLibc } from "../net/libc.ts";
import { systemReason } from "../system_reason.ts";
import { describeAddress } from "../client/address.ts";
import { ConnectError } from "../client/errors.ts";
import { ReplyError } from "../client/reply_error.ts";
import { LoadAsyncConnection } from "./load_async_connection.ts";
import type { LoadConnection, SharedLoad } from "./load_connection.ts";
import { dialSockets, socketAddress } from "./dial.ts";
import { LoadEpoll } from "./epoll.ts";
import { LoadEpollConnection } from "./load_epoll_connection.ts";
import { logIn } from "./log_in.ts";
import type { LoadPlan } from "./plan.ts";
import { dial } from "../client/deno_sockets.ts";

/** Connections opened at a time: more at once overflow a server's backlog. */
const DIAL_BATCH = 64;

/** The connections of a load, and what serves them. */
export interface LoadSockets {
  readonly connections: readonly LoadConnection[];
  /** Serves them until `over` resolves; they are closed then. */
  serve(over: Promise<void>): Promise<void>;
}

/**
 * Opens the connections of a load, all or none: with epoll where there is one, and neither TLS nor a login. Throws ConnectError and
 * AuthError.
 */
export async function openSockets(plan: LoadPlan, run: SharedLoad): Promise<LoadSockets> {
  const where = describeAddress(plan.address);
  try {
    const first = await openOne(plan);
    // A host's name has been resolved by now.
    const { remoteAddr } = first;
    const address = remoteAddr.transport === "tcp"
      ? { ...remoteAddr, transport: "tcp" as const }
      : plan.address;
    const isPlain = plan.address.transport !== "tls" && plan.options.token === undefined;
    const system = isPlain ? socketAddress(address) : null;
    const libc = system === null ? null : loadLibc();
    if (system === null || libc === null) return await openAsync(plan, run, first);
    first.close();
    return await openEpoll(plan, run, new LoadEpoll(libc), system);
  } catch (error) {
    if (error instanceof ReplyError) throw error;
    throw new ConnectError(`cannot reach ${where}: ${systemReason(error, "connect")}`, { cause: error });
  }
}

async function openEpoll(
  plan: LoadPlan,
  run: SharedLoad,
  epoll: LoadEpoll,
  address: Uint8Array<ArrayBuffer>,
): Promise<LoadSockets> {
  const fds: number[] = [];
  while (fds.length < plan.connections) {
    const opened = await dialSockets(
      epoll.libc,
      address,
      Math.min(DIAL_BATCH, plan.connections - fds.length),
    );
    fds.push(...opened.filter((fd) => fd >= 0));
    if (!opened.includes(-1)) continue;
    for (const fd of fds) epoll.libc.close(fd);
    epoll.close();
    throw new Error(`${fds.length} of ${plan.connections} connections could be opened`);
  }
  const connections = fds.map((fd) => new LoadEpollConnection(fd, epoll, run));
  return {
    connections,
    async serve(over) {
      const running = epoll.run();
      await over;
      epoll.stop();
      await running;
      for (const connection of connections) connection.close();
      epoll.close();
    },
  };
}

/** Connected, and logged in where that is asked for. */
async function openOne({ address, timeoutMs, options: { tls, token } }: LoadPlan): Promise<Deno.Conn> {
  const conn = await dial(address, timeoutMs, tls);
  if (token !== undefined) await logIn(conn, token, timeoutMs);
  return conn;
}

async function openAsync(plan: LoadPlan, run: SharedLoad, first: Deno.Conn): Promise<LoadSockets> {
  const conns = [first];
  while (conns.length < plan.connections) {
    const count = Math.min(DIAL_BATCH, plan.connections - conns.length);
    const results = await Promise.allSettled(
      Array.from({ length: count }, () => openOne(plan)),
    );
    for (const result of results) if (result.status === "fulfilled") conns.push(result.value);
    for (const result of results) {
      if (result.status === "fulfilled") continue;
      for (const conn of conns) conn.close();
      throw result.reason;
    }
  }
  const connections = conns.map((conn) => new LoadAsyncConnection(conn, run));
  return {
    connections,
    async serve(over) {
      await over;
      for (const connection of connections) connection.close();
      await Promise.all(connections.map(({ ended }) => ended));
    },
  };
}
