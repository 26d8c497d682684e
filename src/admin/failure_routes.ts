import { HttpError } from "../http/http_error.ts";
import type { Route } from "../http/route.ts";
import type { FailureFilter } from "../operations/failures.ts";
import type { JsonObject } from "../plugin.ts";
import { may, maySeeParams } from "./admin_guard.ts";
import type { AdminParts } from "./admin_parts.ts";
import { wholeNumber } from "./audit_route.ts";
import { changeRoute } from "./change_route.ts";
import { jsonRoute } from "./json_route.ts";
import { changed, COUNT, FLAG, listOf, NUMBER, orNull, tableOf, TEXT, TEXTS } from "./schemas.ts";

const FILTER = {
  type: "object",
  additionalProperties: false,
  description: "What is not said matches all",
  properties: {
    plugin: TEXT,
    command: COUNT,
    code: COUNT,
    fingerprint: TEXT,
    until_at: { ...NUMBER, description: "Those that have failed until then, in ms since 1970" },
  },
};

/** The routes by which failures are looked at by their causes, retried, purged and put back. */
export function failureRoutes({ target }: Pick<AdminParts, "target">): Route[] {
  const { operations } = target;
  const counts = { count: COUNT, left: COUNT, undo: orNull(TEXT) };
  const pluginOf = ({ filter }: JsonObject) => {
    const plugin = typeof filter === "object" && filter !== null && "plugin" in filter
      ? filter["plugin"]
      : null;
    return typeof plugin === "string" && plugin !== "" ? target.plugin(plugin)?.name ?? plugin : null;
  };
  return [
    jsonRoute({
      path: "/api/v1/failures",
      operationId: "failures",
      summary: "The dead letters by their causes, those that failed last first",
      parameters: ["plugin", "command", "code", "fingerprint"].map((name) => ({
        name,
        in: "query",
        schema: name === "command" || name === "code" ? COUNT : TEXT,
      })),
      schema: tableOf({
        groups: listOf(tableOf({
          fingerprint: TEXT,
          plugin: TEXT,
          command: COUNT,
          command_name: TEXT,
          code: orNull(COUNT),
          message: orNull(TEXT),
          count: COUNT,
          first_at: NUMBER,
          last_at: NUMBER,
          versions: TEXTS,
          sample_id: TEXT,
        })),
        looked_at: COUNT,
        truncated: FLAG,
        left_out: COUNT,
      }),
      right: null,
      answer(exchange, { query }) {
        const seen = operations.plugins.filter(({ name }) => may(exchange, "stats", name));
        if (seen.length === 0 && !may(exchange, "stats", null)) {
          throw new HttpError(403, "who sends this may see the failures of no plugin");
        }
        const sees = new Set(seen.filter(({ name }) => maySeeParams(exchange, name)).map(({ name }) => name));
        return operations.failures(seen, filterOf(query), (plugin) => sees.has(plugin));
      },
    }),
    changeRoute(target, {
      command: "retry-failures",
      path: "/api/v1/failures/retry",
      operationId: "retryFailures",
      summary: "Puts all dead letters that match back in line, the oldest first, as far as there is room",
      members: { filter: FILTER },
      schema: changed(counts),
      pluginOf,
    }),
    changeRoute(target, {
      command: "purge-failures",
      path: "/api/v1/failures/purge",
      operationId: "purgeFailures",
      summary: "Drops all dead letters that match, once a file is on the disk that puts them back",
      members: { filter: FILTER },
      schema: changed(counts),
      pluginOf,
    }),
    changeRoute(target, {
      command: "undo",
      path: "/api/v1/failures/undo",
      operationId: "undoPurge",
      summary: "Puts back the dead letters that a purge has dropped",
      members: { undo: { ...TEXT, description: "The name of the file that the purge has told" } },
      schema: changed({ ...counts, already_there: COUNT }),
    }),
  ];
}

function filterOf(query: URLSearchParams): FailureFilter {
  const count = (name: string) => {
    const value = wholeNumber(query, name, -1, 0, 0xffffffff);
    return value < 0 ? null : value;
  };
  return {
    plugin: query.get("plugin") || null,
    command: count("command"),
    code: count("code"),
    fingerprint: query.get("fingerprint") || null,
    untilAt: null,
  };
}
