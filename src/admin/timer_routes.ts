import type { Route } from "../http/route.ts";
import { timersOf } from "../operations/timer_details.ts";
import { may, maySeeParams } from "./admin_guard.ts";
import type { AdminParts } from "./admin_parts.ts";
import { changeRoute } from "./change_route.ts";
import { jsonRoute } from "./json_route.ts";
import { changed, FLAG, listOf, NUMBER, orNull, tableOf, TEXT } from "./schemas.ts";

/** The routes of timers. */
export function timerRoutes({ target }: Pick<AdminParts, "target">): Route[] {
  const outcome = { enum: ["done", "failed", "aborted"] };
  return [
    jsonRoute({
      path: "/api/v1/timers",
      operationId: "timers",
      summary: "The timers of plugins: when they run next, and how their last runs were",
      schema: tableOf({
        timers: listOf(tableOf({
          plugin: TEXT,
          name: TEXT,
          schedule: TEXT,
          zone: orNull(TEXT),
          next_at: listOf(NUMBER),
          running: FLAG,
          last: orNull(tableOf({ at: NUMBER, took_ms: NUMBER, outcome, message: orNull(TEXT) })),
        })),
      }),
      right: null,
      answer(exchange) {
        const seen = target.operations.plugins.filter(({ name }) => may(exchange, "stats", name));
        return { timers: timersOf(seen, (plugin) => maySeeParams(exchange, plugin), Date.now()) };
      },
    }),
    changeRoute(target, {
      command: "run-timer",
      path: "/api/v1/timers/run",
      operationId: "runTimer",
      summary: "Has a timer run now, where it does not already",
      members: { plugin: TEXT, timer: TEXT },
      schema: changed({ plugin: TEXT, timer: TEXT, outcome: { enum: ["begun", "running already"] } }),
      pluginOf: ({ plugin }) => typeof plugin === "string" && plugin !== "" ? plugin : null,
    }),
  ];
}
