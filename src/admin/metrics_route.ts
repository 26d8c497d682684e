import { prometheusText } from "../observe/prometheus.ts";
import type { Route } from "../http/route.ts";
import type { AdminParts } from "./admin_parts.ts";
import { checkRight, checkSender } from "./admin_guard.ts";
import { OWN_HEADERS } from "./json_route.ts";

/** As Prometheus' text format 0.0.4 is named. */
const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** The figures for Prometheus. */
export function metricsRoute({ target }: Pick<AdminParts, "target">): Route {
  return {
    method: "GET",
    path: "/metrics",
    description: {
      operationId: "metrics",
      summary: "The figures of the server in the text format of Prometheus",
      tags: ["admin"],
      responses: {
        "200": { description: "The figures", content: { [METRICS_TYPE]: { schema: { type: "string" } } } },
      },
    },
    handler: () => ({
      streams: false,
      handle(exchange) {
        checkSender(exchange);
        checkRight(exchange, "stats", null);
        const headers = { "Content-Type": METRICS_TYPE, ...OWN_HEADERS };
        exchange.respond(200, headers, prometheusText(target.stats()));
      },
    }),
  };
}
