/** The server cannot be reached at the address that the message names. */
export class ConnectError extends Error {
  override readonly name = "ConnectError";
}

/** No reply came in time. The server may have processed the request all the same. */
export class TimeoutError extends Error {
  override readonly name = "TimeoutError";
}

/** The connection ended before the reply. The server may have processed the request all the same. */
export class ConnectionLostError extends Error {
  override readonly name = "ConnectionLostError";
}

/** The request cannot be sent as it is: the message says why. Nothing has left the client. */
export class UnsendableError extends Error {
  override readonly name = "UnsendableError";
}
