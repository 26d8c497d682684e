import type { Exchange } from "./exchange.ts";
import type { WholeHandler } from "./route.ts";
import type { RouteTable } from "./route_table.ts";

/** How long a browser may go by what it was told of a path, in seconds. */
const MAX_AGE_S = 600;

/** Answers OPTIONS: which methods a target has, and to pages that ask whether they may use one, that they may. Throws HttpError. */
export function optionsHandler({ head }: Exchange, table: RouteTable): WholeHandler {
  const allow = table.allowed(head.target);
  return {
    streams: false,
    handle(exchange) {
      const isPreflight = exchange.hasOrigin && head.header("access-control-request-method") !== null;
      exchange.respond(204, { Allow: allow, ...isPreflight ? preflight(exchange, allow) : {} }, null);
    },
  };
}

function preflight({ head }: Exchange, allow: string): Record<string, string> {
  const headers = head.list("access-control-request-headers").join(", ");
  return {
    "Access-Control-Allow-Methods": allow,
    ...headers === "" ? {} : { "Access-Control-Allow-Headers": headers },
    "Access-Control-Max-Age": String(MAX_AGE_S),
  };
}
