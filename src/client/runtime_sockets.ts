import type { DatagramAddress, StreamAddress } from "./address.ts";

/** What a runtime has to give: one implementation for Deno, one for Node and Bun. */
export interface RuntimeSockets {
  /** Throws TypeError where the options are wrong, or this runtime cannot heed them. */
  checkTls(tls: TlsOptions): void;
  /**
   * Connects, the TLS handshake included, within so many milliseconds; rejects with the system's error, or the reason of the signal
   * that aborts. Nothing of it is left then.
   */
  openStream(
    address: StreamAddress,
    tls: TlsOptions,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<StreamSocket>;
  /** A UDP socket on a free port of that local address, an IP; rejects where the system has no such family of addresses. */
  openDatagrams(localHost: string): Promise<DatagramSocket>;
}

/** How a server is trusted over TLS, and what it is shown: all of it PEM text. */
export interface TlsOptions {
  /** Certificates of authorities that are trusted beside those that the runtime trusts. */
  readonly ca?: string | readonly string[];
  /** The client's own certificate, where the server wants one; `key` belongs to it. */
  readonly cert?: string;
  readonly key?: string;
  /**
   * The host's name that the server's certificate must have, and that it is asked for (SNI), where that is another than the one it is
   * reached by. In Deno not together with `cert`.
   */
  readonly serverName?: string;
}

/** A connection. One read and one write at a time. */
export interface StreamSocket {
  /** Waits for bytes and puts them at the start of `into`; null where the server has ended. Rejects once it is closed. */
  read(into: Uint8Array): Promise<number | null>;
  /** Takes some of the bytes, at least one, and says how many. */
  write(bytes: Uint8Array): Promise<number>;
  /** What waits is rejected. Closing again does nothing. */
  close(): void;
}

/** A UDP socket. */
export interface DatagramSocket {
  send(bytes: Uint8Array, to: DatagramAddress): Promise<void>;
  /** The next datagram; its bytes are valid until the next call. Rejects once the socket is closed. */
  receive(): Promise<Datagram>;
  close(): void;
}

export interface Datagram {
  readonly bytes: Uint8Array;
  /** Whom it is from, an IP address. */
  readonly hostname: string;
  readonly port: number;
}

/** The most that a UDP datagram carries, in bytes. */
export const MAX_DATAGRAM_BYTES = 65_507;
/** The name of the wire protocol in TLS's ALPN. */
export const ALPN = "mevent/1";

/** Throws TypeError where it is no name. */
export function checkServerName({ serverName }: TlsOptions): void {
  if (serverName === undefined || isHostName(serverName)) return;
  throw new TypeError(
    `serverName is ${JSON.stringify(serverName)}: give a host's name; without it the address's own counts`,
  );
}

/** Whether it is a name and no IP address, which TLS cannot ask for. */
export function isHostName(text: string): boolean {
  return /^(?!-)[\w-]+(?:\.[\w-]+)*\.?$/.test(text) && !/^[\d.]+$/.test(text);
}

/** The authorities of {@link TlsOptions.ca}. */
export function authorities({ ca = [] }: TlsOptions): string[] {
  return typeof ca === "string" ? [ca] : [...ca];
}
