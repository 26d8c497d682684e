/** TLS cannot be had as it is configured: no library, or files that cannot be used. The message says what and where. */
export class TlsError extends Error {
  override readonly name = "TlsError";
}
