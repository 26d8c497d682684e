import { ControlRefusal, type RefusalKind } from "../control/control_request.ts";
import type { Exchange } from "../http/exchange.ts";
import { contained, HttpError } from "../http/http_error.ts";
import { textOf } from "../text_of.ts";

const STATUS: Readonly<Record<RefusalKind, number>> = { wrong: 400, unknown: 404, conflict: 409 };

/** Answers a request when what is asked for is there; what goes wrong until then is its answer. */
export function later<T>(exchange: Exchange, found: Promise<T>, respond: (value: T) => void): void {
  const { log } = exchange.services;
  found.then(respond)
    .catch((error) => {
      if (!exchange.isDone) exchange.refuseRequest(refusalOf(error, exchange));
      else log.error("an answer met an error", { error: textOf(error) });
    })
    .then(() => exchange.place.flush())
    .catch((error) => log.error("an answer met an error", { error: textOf(error) }));
}

/** What a request is answered with that has met that error. */
export function refusalOf(error: unknown, { services: { log } }: Exchange): HttpError {
  return error instanceof ControlRefusal
    ? new HttpError(STATUS[error.kind], error.message)
    : contained(error, log);
}
