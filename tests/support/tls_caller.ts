import { RawConnection } from "./raw_connection.ts";

/** What a caller brings to a handshake. */
export interface TlsCallerOptions {
  /** PEM of the authorities that it trusts. */
  readonly caCerts: string[];
  readonly alpnProtocols?: string[];
  /** Its own certificate, PEM. */
  readonly cert?: string;
  readonly key?: string;
}

/** A bare connection over TLS, its handshake over; rejects where that fails. */
export async function connectTls(
  { hostname, port }: { readonly hostname: string; readonly port: number },
  { cert, key, ...options }: TlsCallerOptions,
): Promise<RawConnection> {
  const own = cert === undefined || key === undefined ? {} : { cert, key };
  const socket = await Deno.connectTls({ hostname, port, ...options, ...own });
  try {
    await socket.handshake();
  } catch (error) {
    socket.close();
    throw error;
  }
  return new RawConnection(socket);
}
