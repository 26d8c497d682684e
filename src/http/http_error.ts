/** A request that is answered with an error status. */
export class HttpError extends Error {
  override readonly name = "HttpError";

  /**
   * @param headers further ones of the response: `Allow`
   * @param closes whether nothing behind the request can be trusted: the connection ends with the response
   */
  constructor(
    readonly status: number,
    message: string,
    readonly headers: Readonly<Record<string, string>> = {},
    readonly closes = false,
  ) {
    super(message);
  }
}

/** One that makes it unsure where the next request begins. */
export function badFraming(message: string, status = 400): HttpError {
  return new HttpError(status, message, {}, true);
}
