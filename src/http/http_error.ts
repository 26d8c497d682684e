import type { Log } from "../observe/log.ts";

/** A request that is answered with an error status. */
export class HttpError extends Error {
  override readonly name = "HttpError";

  /**
   * @param headers further ones of the response: `Allow`
   * @param closes whether nothing behind the request can be trusted: the connection ends with the response
   * @param delay how long the caller is to wait for it, in ms; the connection takes nothing meanwhile
   */
  constructor(
    readonly status: number,
    message: string,
    readonly headers: Readonly<Record<string, string>> = {},
    readonly closes = false,
    readonly delay = 0,
  ) {
    super(message);
  }
}

/** One that makes it unsure where the next request begins. */
export function badFraming(message: string, status = 400): HttpError {
  return new HttpError(status, message, {}, true);
}

/** A body that has more than the bound. */
export function tooLong(what: string, most: number): HttpError {
  return new HttpError(413, `the body ${what}, max_frame allows ${most}: send less, or raise it`);
}

/** What a request is answered with that has met that error: whatever goes wrong ends one connection, never the server. */
export function contained(error: unknown, log: Log): HttpError {
  if (error instanceof HttpError) return error;
  log.error("a request met an error of the server's own; its connection is closed", {
    error: error instanceof Error ? error.stack ?? error.message : String(error),
  });
  return new HttpError(500, "the request met an error of the server's own; its log says which", {}, true);
}
