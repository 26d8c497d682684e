import type { StreamAddress } from "../client/address.ts";
import type { ConnectionOptions } from "../client/connection.ts";

/** A closed-loop load: each connection keeps `depth` requests unanswered, and sends the next one for each reply. */
export interface LoadPlan {
  readonly address: StreamAddress;
  /** What the server is shown, and trusted by. */
  readonly options: Pick<ConnectionOptions, "tls" | "token">;
  /** The plugin's name, or its business number in decimal. */
  readonly plugin: string;
  /** 1..65535. */
  readonly command: number;
  readonly sync: boolean;
  /** Cells, as `encodeContent` writes them; the same for every request. */
  readonly body: Uint8Array;
  readonly connections: number;
  /** 1..{@link MAX_DEPTH}. */
  readonly depth: number;
  /** After it nothing more is sent; in ms. */
  readonly durationMs: number;
  /** Nor after so many requests; Infinity for no such bound. */
  readonly count: number;
  /** For the connections; and with no reply at all for so long the load gives up waiting, in ms. */
  readonly timeoutMs: number;
}

/** Requests that one connection of a load may have unanswered: a slot number has 12 of an id's 28 bits. */
export const MAX_DEPTH = 4096;
/** The longest reply that a load takes, in bytes; the server's own `max_frame` is at most this. */
export const MAX_LOAD_FRAME_BYTES = 64 * 1024 * 1024;
/** Requests leave in writes of about so many bytes at most; one that is longer leaves alone. */
export const WRITE_BYTES = 64 * 1024;
