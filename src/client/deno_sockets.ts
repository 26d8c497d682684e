import type { DatagramAddress, StreamAddress } from "./address.ts";
import {
  ALPN,
  authorities,
  checkServerName,
  type DatagramSocket,
  MAX_DATAGRAM_BYTES,
  type RuntimeSockets,
  type StreamSocket,
  type TlsOptions,
} from "./runtime_sockets.ts";

/** Deno's own sockets. */
export const sockets: RuntimeSockets = {
  checkTls(tls) {
    checkServerName(tls);
    if (tls.serverName === undefined || tls.cert === undefined) return;
    throw new TypeError(
      "serverName and cert: Deno can heed one of them; name the host as its certificate has it, or do without cert",
    );
  },

  async openStream(address, tls, timeoutMs, signal) {
    return new DenoStream(await dial(address, timeoutMs, tls, signal));
  },

  openDatagrams(localHost) {
    return new Promise((resolve) => {
      resolve(
        new DenoDatagrams(Deno.listenDatagram({ transport: "udp", hostname: localHost, port: 0 })),
      );
    });
  },
};

/**
 * Connects within so many milliseconds (a Unix socket answers at once); rejects with the system's error, or the signal's reason.
 */
export async function dial(
  address: StreamAddress,
  timeoutMs: number,
  tls: TlsOptions = {},
  signal?: AbortSignal,
): Promise<Deno.Conn> {
  signal?.throwIfAborted();
  if (address.transport === "unix") return await Deno.connect({ transport: "unix", path: address.path });
  const { transport, hostname, port } = address;
  const timeUp = new AbortController();
  const timer = setTimeout(() => timeUp.abort(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  const giveUp = () => timeUp.abort(signal?.reason);
  signal?.addEventListener("abort", giveUp, { once: true });
  try {
    if (transport === "tls" && tls.cert !== undefined) {
      return await shaken(ownTls(hostname, port, tls), timeUp.signal);
    }
    const conn = await Deno.connect({ hostname, port, signal: timeUp.signal });
    conn.setNoDelay(true);
    if (transport === "tcp") return conn;
    const options = {
      hostname: tls.serverName ?? hostname,
      caCerts: authorities(tls),
      alpnProtocols: [ALPN],
    };
    return await shaken(Deno.startTls(conn, options), timeUp.signal);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", giveUp);
  }
}

/** With the client's own certificate, which `startTls` does not take. */
function ownTls(hostname: string, port: number, tls: TlsOptions): Promise<Deno.TlsConn> {
  const { cert = "", key = "" } = tls;
  return Deno.connectTls({ hostname, port, caCerts: authorities(tls), alpnProtocols: [ALPN], cert, key });
}

/** The connection once its handshake is over; closed where that fails, or time is up before. */
async function shaken(connecting: Promise<Deno.TlsConn>, timeUp: AbortSignal): Promise<Deno.TlsConn> {
  const late = Promise.withResolvers<never>();
  const giveUp = () => late.reject(timeUp.reason);
  timeUp.addEventListener("abort", giveUp, { once: true });
  const shaking = connecting.then(async (conn) => {
    try {
      await Promise.race([conn.handshake(), late.promise]);
      return conn;
    } catch (error) {
      conn.close();
      throw error;
    }
  });
  try {
    return await Promise.race([shaking, late.promise]);
  } finally {
    timeUp.removeEventListener("abort", giveUp);
    // Whichever loses the race tells its error to nobody.
    shaking.catch(() => {});
  }
}

/** Owns the connection. */
export class DenoStream implements StreamSocket {
  #isClosed = false;

  constructor(readonly conn: Deno.Conn) {}

  read(into: Uint8Array): Promise<number | null> {
    return this.conn.read(into);
  }

  write(bytes: Uint8Array): Promise<number> {
    return this.conn.write(bytes);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.conn.close();
  }
}

class DenoDatagrams implements DatagramSocket {
  readonly #buffer = new Uint8Array(MAX_DATAGRAM_BYTES);

  constructor(readonly socket: Deno.DatagramConn) {}

  async send(bytes: Uint8Array, to: DatagramAddress): Promise<void> {
    await this.socket.send(bytes, to);
  }

  async receive() {
    const [bytes, from] = await this.socket.receive(this.#buffer);
    if (from.transport !== "udp") throw new Error(`a datagram came over ${from.transport}`);
    return { bytes, hostname: from.hostname, port: from.port };
  }

  close(): void {
    this.socket.close();
  }
}
