import type { Route } from "../http/route.ts";
import { metricsRoute } from "./metrics_route.ts";
import type { AdminParts } from "./admin_parts.ts";
import { alertRoutes } from "./alert_routes.ts";
import { auditRoute } from "./audit_route.ts";
import { changeRoute } from "./change_route.ts";
import { failureRoutes } from "./failure_routes.ts";
import { figuresRoutes } from "./figures_routes.ts";
import { jsonRoute } from "./json_route.ts";
import { logRoutes } from "./log_routes.ts";
import { meRoute } from "./me_route.ts";
import { operationRoutes } from "./operation_routes.ts";
import { pageRoutes } from "./page_routes.ts";
import { timerRoutes } from "./timer_routes.ts";
import { schemaRoute } from "./schema_route.ts";
import { ANY_OBJECT, changed, COUNT, FLAG, listOf, NUMBER, tableOf, TEXT, TEXTS } from "./schemas.ts";

/** The routes by which those who run a server look at it and change it. */
export function adminRoutes(parts: AdminParts): Route[] {
  const { target } = parts;
  const stopping = changed({ left: COUNT, paused: TEXTS, drain_timeout_ms: NUMBER });
  const paused = changed({ plugin: TEXT, paused: FLAG, before: FLAG, queued: COUNT });
  const plugin = "/api/v1/plugins/{plugin}";
  return [
    ...pageRoutes(parts.page),
    metricsRoute(parts),
    jsonRoute({
      path: "/api/v1/stats",
      operationId: "stats",
      summary: "The figures of the server, as mevent stats --json prints them",
      schema: tableOf({ version: TEXT, state: TEXT, plugins: { type: "array", items: ANY_OBJECT } }),
      right: "stats",
      answer: () => target.stats(),
    }),
    ...figuresRoutes(parts),
    meRoute(parts),
    auditRoute(parts),
    ...logRoutes(parts),
    ...operationRoutes(parts),
    ...failureRoutes(parts),
    ...alertRoutes(parts),
    ...timerRoutes(parts),
    schemaRoute(parts),
    changeRoute(target, {
      command: "pause",
      path: `${plugin}/pause`,
      operationId: "pausePlugin",
      summary: "Hands no operation of a plugin to its workers any more",
      schema: paused,
    }),
    changeRoute(target, {
      command: "resume",
      path: `${plugin}/resume`,
      operationId: "resumePlugin",
      summary: "Hands them over again",
      schema: paused,
    }),
    changeRoute(target, {
      command: "purge",
      path: `${plugin}/purge`,
      operationId: "purgePlugin",
      summary: "Drops what has not begun, or the dead letters",
      members: {
        dead: { ...FLAG, description: "The dead letters" },
        id: { ...COUNT, description: "The one dead letter of that number" },
      },
      schema: changed({ plugin: TEXT, dead: FLAG, purged: COUNT, running: COUNT }),
    }),
    changeRoute(target, {
      command: "retry-dead",
      path: `${plugin}/retry-dead`,
      operationId: "retryDead",
      summary: "Puts dead letters back in line, the oldest first",
      members: {
        limit: { ...COUNT, description: "At most so many" },
        id: { ...COUNT, description: "The one of that number" },
      },
      schema: changed({ plugin: TEXT, retried: COUNT, left: COUNT }),
    }),
    changeRoute(target, {
      command: "limits",
      path: `${plugin}/limits`,
      operationId: "changeLimits",
      summary: "Changes limits of a plugin until the next reload",
      members: {
        limits: {
          type: "object",
          minProperties: 1,
          additionalProperties: { type: ["string", "number"] },
          description:
            "By their keys in the config: queue.max_ops; values as there, or numbers of ms or bytes",
        },
      },
      schema: changed({
        plugin: TEXT,
        changed: listOf(tableOf({ key: TEXT, before: {}, after: {} })),
        notes: TEXTS,
      }),
    }),
    changeRoute(target, {
      command: "reload",
      path: "/api/v1/reload",
      operationId: "reload",
      summary: "Loads the config and the plugins' modules again and takes over what has changed",
      schema: changed({ changed: TEXTS, kept: TEXTS, unchanged: FLAG }),
    }),
    changeRoute(target, {
      command: "drain",
      path: "/api/v1/drain",
      operationId: "drain",
      summary: "Works off what is queued and stops",
      schema: stopping,
    }),
    changeRoute(target, {
      command: "stop",
      path: "/api/v1/stop",
      operationId: "stop",
      summary: "The same, or at once",
      members: { now: { ...FLAG, description: "Gives up what is left" } },
      schema: stopping,
    }),
  ];
}
