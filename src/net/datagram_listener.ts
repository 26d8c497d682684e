import type { ListenerOptions } from "./listener_options.ts";

/** The longest datagram, in bytes. */
export const MAX_DATAGRAM_BYTES = 65_507;
/** The shortest datagram that is answered at all. */
export const MIN_DATAGRAM_BYTES = 8;

/** A UDP socket: a datagram is a message, its reply goes back where it came from. */
export interface DatagramListener {
  readonly address: Deno.NetAddr;
  /** Resolves when no reply waits to be sent. */
  readonly sent: Promise<void>;
  /** How its callers are answered; it may be changed. */
  options: ListenerOptions;
  /** Sync operations that came in here and are not answered. */
  readonly owed: number;
  /** Receives, what has come since it was opened included; also after it was told to take no more, and is not closed yet. */
  begin(): void;
  /** Takes no more datagrams, and closes once all that is owed has been sent: at once where nothing is. */
  stopReceiving(): void;
  /** Datagrams that the kernel threw away because nobody took them in time; null where it does not tell. */
  dropped(): number | null;
  close(): Promise<void>;
}
