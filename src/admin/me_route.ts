import type { Exchange } from "../http/exchange.ts";
import type { Route } from "../http/route.ts";
import type { Me, ServerState } from "./api.ts";
import type { Told } from "./told.ts";
import type { AdminParts } from "./admin_parts.ts";
import { may, maySeeParams } from "./admin_guard.ts";
import { jsonRoute } from "./json_route.ts";
import { FLAG, NUMBER, orNull, tableOf, TEXT } from "./schemas.ts";

/** Who asks, what he may do, and of which server. */
export function meRoute(parts: AdminParts): Route {
  const rights = tableOf({ control: FLAG, call: FLAG, enqueue: FLAG, see_params: FLAG });
  return jsonRoute({
    path: "/api/v1/me",
    operationId: "me",
    summary: "Who asks, what he may do, and of which server",
    right: null,
    schema: tableOf({
      server: tableOf({
        version: TEXT,
        hostname: TEXT,
        pid: NUMBER,
        state: TEXT,
        started_at: NUMBER,
        now_at: NUMBER,
      }),
      name: orNull(TEXT),
      needs_token: FLAG,
      admin: { enum: ["full", "read"] },
      may: tableOf({ stats: FLAG, control: FLAG }),
      plugins: { type: "object", additionalProperties: rights },
    }),
    answer: (exchange) => answer(exchange, parts),
  });
}

function answer(exchange: Exchange, { target, version, startedAt }: AdminParts): Told<Me> {
  const { identity, place } = exchange;
  const { state, pid, plugins } = target.stats();
  const canCall = (action: "call" | "enqueue", name: string) =>
    identity === null || identity.may(action, name);
  const name = identity?.name ?? "";
  return {
    server: {
      version,
      hostname: Deno.hostname(),
      pid,
      state: state as ServerState,
      started_at: startedAt,
      now_at: Date.now(),
    },
    name: name === "" ? null : name,
    needs_token: place.access.guard !== null,
    // Where it is off nobody gets so far.
    admin: place.options.admin === "full" ? "full" : "read",
    may: { stats: may(exchange, "stats", null), control: may(exchange, "control", null) },
    plugins: Object.fromEntries(plugins.map(({ name }) => [name, {
      control: may(exchange, "control", name),
      call: canCall("call", name),
      enqueue: canCall("enqueue", name),
      see_params: maySeeParams(exchange, name),
    }])),
  };
}
