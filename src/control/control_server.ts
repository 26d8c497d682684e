import type { Access } from "../auth/access.ts";
import { plainAddress } from "../auth/address_list.ts";
import { systemReason } from "../system_reason.ts";
import type { DescriptorReserve } from "../net/descriptor_reserve.ts";
import { type ListenSocket, UnixSocket } from "../net/unix_socket.ts";
import type { LimitLog } from "../observe/limit_log.ts";
import { ControlConnection, type ControlHandler, type ControlTimes } from "./control_connection.ts";
import { type ControlDoor, OPEN_DOOR, TokenDoor } from "./control_door.ts";
import { removeStaleSocket } from "../net/stale_socket.ts";

/** Connections that one control socket has at a time. */
export const MAX_CONTROL_CONNECTIONS = 8;
/** Connections that were ended and hold their descriptor, as nobody reads there. */
const MAX_UNREAD = 64;
/** After an accept that failed (no descriptor left), the next one is tried after this long; in ms. */
const ACCEPT_PAUSE_MS = 100;
/** What the last answers get to go out in, in ms. */
const FINISH_MS = 1000;

/** How long control connections may take over what. */
export const CONTROL_TIMES: ControlTimes = { line: 5000, idle: 60_000, progress: 500, write: 10_000 };

/** Where a descriptor can be had when there are no others; false where it has none left. */
export type Reserve = Pick<DescriptorReserve, "release">;

/** A socket that control connections come in on; several have nothing to do with each other. */
export class ControlServer {
  readonly #connections = new Set<ControlConnection>();
  /** Writes to connections that were ended because nobody reads there; each holds a descriptor. */
  readonly #unread = new Set<Promise<void>>();
  #accepting: Promise<void> | null = null;
  #isClosed = false;
  #endPause = () => {};

  private constructor(
    readonly listener: ListenSocket,
    readonly handle: ControlHandler,
    readonly limitLog: LimitLog,
    readonly reserve: Reserve,
    readonly times: ControlTimes,
    /** Who may come over TCP, as it counts now; null for a socket's file. */
    readonly access: (() => Access) | null,
  ) {}

  /** Listens on a Unix socket for this user alone. Throws what kept it from that. */
  static async onPath(
    path: string,
    handle: ControlHandler,
    limitLog: LimitLog,
    reserve: Reserve,
    times = CONTROL_TIMES,
  ): Promise<ControlServer> {
    await removeStaleSocket(path);
    // The socket's file is never there with more rights than it is to have, not even for a moment.
    const umask = Deno.umask(0o177);
    try {
      return new ControlServer(UnixSocket.listen(path), handle, limitLog, reserve, times, null);
    } finally {
      Deno.umask(umask);
    }
  }

  /** Listens on TCP, for whoever may come. Throws what kept it from that. */
  static onTcp(
    { hostname, port }: { readonly hostname: string; readonly port: number },
    handle: ControlHandler,
    limitLog: LimitLog,
    reserve: Reserve,
    access: () => Access,
    times = CONTROL_TIMES,
  ): ControlServer {
    return new ControlServer(Deno.listen({ hostname, port }), handle, limitLog, reserve, times, access);
  }

  get address(): Deno.Addr {
    return this.listener.addr;
  }

  /** Is found at another path from now on; what kept it from that is thrown. */
  async move(path: string): Promise<void> {
    await removeStaleSocket(path);
    if (this.listener instanceof UnixSocket) this.listener.move(path);
  }

  /** Takes connections, those that have waited for that since it was opened included. */
  begin(): void {
    if (!this.#isClosed) this.#accepting ??= this.#accept();
  }

  /** Takes no more connections; the socket's file is gone then. */
  async stopAccepting(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#endPause();
    this.listener.close();
    await this.#accepting;
  }

  /** Ends: what has been asked is answered first, as far as it is read. */
  async finish(): Promise<void> {
    await this.stopAccepting();
    for (const connection of this.#connections) connection.finish();
    const over = Promise.withResolvers<void>();
    const timer = setTimeout(over.resolve, FINISH_MS);
    await Promise.race([Promise.all([...this.#connections].map(({ ended }) => ended)), over.promise]);
    clearTimeout(timer);
    for (const connection of this.#connections) connection.close();
  }

  async #accept(): Promise<void> {
    while (!this.#isClosed) {
      try {
        this.#serve(await this.listener.accept());
      } catch (error) {
        if (this.#isClosed) return;
        if (this.reserve.release()) continue;
        this.limitLog.log.error("a control connection could not be accepted", {
          error: systemReason(error, "listen"),
        });
        await this.#pause();
      }
    }
  }

  #serve(socket: Deno.Conn): void {
    const door = this.#doorFor(socket);
    if (door === null) return socket.close();
    const refusal = this.#refusal();
    if (refusal !== null) {
      this.limitLog.reached("control_connections");
      return void refuse(socket, refusal);
    }
    const connection = new ControlConnection(socket, this.handle, door, this.times);
    this.#connections.add(connection);
    connection.ended.then(() => {
      this.#connections.delete(connection);
      this.#unread.add(connection.written);
      connection.written.then(() => this.#unread.delete(connection.written));
    });
  }

  /** How somebody comes in; null where that address may not. */
  #doorFor({ remoteAddr }: Deno.Conn): ControlDoor | null {
    const { access } = this;
    if (access === null || remoteAddr.transport !== "tcp") return OPEN_DOOR;
    const address = plainAddress(remoteAddr.hostname);
    if (access().admits(address)) return new TokenDoor(access, address, this.limitLog.now);
    this.limitLog.reached("allow", { address });
    return null;
  }

  /** Why no connection is taken now, or null. */
  #refusal(): string | null {
    if (this.#connections.size >= MAX_CONTROL_CONNECTIONS) {
      return `there are ${MAX_CONTROL_CONNECTIONS} control connections already; try again when one has ended`;
    }
    if (this.#unread.size < MAX_UNREAD) return null;
    return `${MAX_UNREAD} ended control connections still hold answers that nobody reads: close those clients`;
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ACCEPT_PAUSE_MS);
      this.#endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** The sentence fits the buffer of any new socket: the write does not wait. */
async function refuse(socket: Deno.Conn, error: string): Promise<void> {
  try {
    await socket.write(new TextEncoder().encode(`${JSON.stringify({ ok: false, error })}\n`));
  } catch {
    // It has gone already.
  }
  socket.close();
}
