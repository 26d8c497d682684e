/** The longest datagram, in bytes. */
export const MAX_DATAGRAM_BYTES = 65_507;
/** The shortest datagram that is answered at all. */
export const MIN_DATAGRAM_BYTES = 8;

/** A UDP socket: a datagram is a message, its reply goes back where it came from. */
export interface DatagramListener {
  readonly address: Deno.NetAddr;
  /** Resolves when no reply waits to be sent. */
  readonly sent: Promise<void>;
  /** Whether async requests get a reply. */
  asyncReply: boolean;
  /** Sync operations that came in here and are not answered. */
  readonly owed: number;
  /** Receives, what has come since it was opened included. */
  begin(): void;
  /** Takes no more datagrams; replies still go out until it is closed. */
  stopReceiving(): void;
  /** Datagrams that the kernel threw away because nobody took them in time; null where it does not tell. */
  dropped(): number | null;
  close(): Promise<void>;
}
