import type { ConnectionMaker } from "../net/connection_maker.ts";
import type { ServerCounters } from "../observe/server_stats.ts";
import { BATCH_ROUTE } from "./batch_route.ts";
import { httpMaker } from "./http_maker.ts";
import type { HttpServices } from "./http_services.ts";
import { infoRoutes, type Standing } from "./info_routes.ts";
import { openApi } from "./openapi.ts";
import { OPERATION_ROUTE } from "./operation_route.ts";
import { RequestMessage } from "./request_message.ts";
import { ResponseHeads } from "./response_heads.ts";
import type { Route } from "./route.ts";
import { RouteTable } from "./route_table.ts";
import { STATE_ROUTE } from "./state_route.ts";

export interface HttpFrontOptions
  extends Pick<HttpServices, "router" | "limits" | "log" | "limitLog" | "now">, Standing {
  /** Those of others, beside the operations' and what the server tells of itself. */
  readonly routes: readonly Route[];
  readonly counters: ServerCounters;
}

/** The routes that are served, and what makes the connections of HTTP listeners. */
export function httpFront(
  { router, limits, log, limitLog, now, counters, version, state, readiness, routes: others }:
    HttpFrontOptions,
): ConnectionMaker {
  const routes: Route[] = [BATCH_ROUTE, OPERATION_ROUTE, STATE_ROUTE];
  routes.push(...infoRoutes({ version, state, readiness }, () => openApi(routes, version)), ...others);
  return httpMaker({
    router,
    limits,
    log,
    limitLog,
    now,
    table: new RouteTable(routes),
    heads: new ResponseHeads(counters.httpResponses),
    message: new RequestMessage(),
    isStarting: () => state() === "starting",
    isStopping: () => state() === "draining" || state() === "stopped",
  });
}
