/** Who does something to the server, as far as that is known. */
export interface Actor {
  /** How it comes: by HTTP, by a control socket, by a signal, or the server does it by itself (a watched file). */
  readonly by: "http" | "control" | "signal" | "server";
  /** Of the token or the certificate; null where nobody was asked. */
  readonly name: string | null;
  /** The caller's; null where there is none: a socket's file, a signal. */
  readonly address: string | null;
  /** The user that a socket's file belongs to: it alone and root may open it; null elsewhere. */
  readonly uid: number | null;
}

/** A signal's sender. */
export const SIGNAL: Actor = { by: "signal", name: null, address: null, uid: null };
/** The server itself. */
export const SERVER: Actor = { by: "server", name: null, address: null, uid: null };
