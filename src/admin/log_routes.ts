import { levelsOf, linesOf } from "../control/log_commands.ts";
import { HttpError } from "../http/http_error.ts";
import type { Route } from "../http/route.ts";
import { LOG_LEVELS, type LogLevel } from "../observe/log_levels.ts";
import { MAX_KEPT_LINES } from "../observe/log_ring.ts";
import { maySeeParams } from "./admin_guard.ts";
import type { AdminParts } from "./admin_parts.ts";
import { wholeNumber } from "./audit_route.ts";
import { changeRoute } from "./change_route.ts";
import { jsonRoute } from "./json_route.ts";
import { ANY_OBJECT, changed, COUNT, FLAG, listOf, NUMBER, orNull, tableOf, TEXT } from "./schemas.ts";

/** The last lines of the log, and from which level on they are written. */
export function logRoutes({ target }: Pick<AdminParts, "target">): Route[] {
  const level = { enum: [...LOG_LEVELS] };
  const line = tableOf({ seq: COUNT, at: NUMBER, level, message: TEXT, fields: ANY_OBJECT });
  const limits = { type: "integer", minimum: 1, maximum: MAX_KEPT_LINES };
  return [
    jsonRoute({
      path: "/api/v1/log",
      operationId: "log",
      summary:
        "The last lines of the log, the newest last; those about plugins that the sender may see nothing of are left out",
      parameters: [
        { name: "after", in: "query", schema: COUNT, description: "Lines behind that number alone" },
        { name: "level", in: "query", schema: level, description: "Of that level and above" },
        { name: "plugin", in: "query", schema: TEXT, description: "About that plugin" },
        { name: "text", in: "query", schema: TEXT, description: "With that text in them, whatever its case" },
        { name: "limit", in: "query", schema: limits, description: "The newest of them, at most so many" },
      ],
      schema: tableOf({ lines: listOf(line), last: COUNT, missed: COUNT, truncated: FLAG }),
      right: "stats",
      answer(exchange, { query }) {
        const plugin = query.get("plugin") ?? "";
        return linesOf(target, {
          after: wholeNumber(query, "after", 0, 0, Number.MAX_SAFE_INTEGER),
          level: levelIn(query),
          plugin: plugin === "" ? null : target.plugin(plugin)?.name ?? plugin,
          text: query.get("text") ?? "",
          limit: wholeNumber(query, "limit", MAX_KEPT_LINES, 1, MAX_KEPT_LINES),
          maySee: (name) => maySeeParams(exchange, name),
        });
      },
    }),
    jsonRoute({
      path: "/api/v1/log/levels",
      operationId: "logLevels",
      summary: "From which level on lines are written, about each plugin; null is the server's",
      schema: tableOf({ server: level, plugins: { type: "object", additionalProperties: orNull(level) } }),
      right: "stats",
      answer: () => levelsOf(target),
    }),
    changeRoute(target, {
      command: "log-level",
      path: "/api/v1/log/levels",
      operationId: "setLogLevel",
      summary: "Sets a level until the server ends",
      members: {
        plugin: { ...orNull(TEXT), description: "null or left out is the server" },
        level: { ...orNull(level), description: "null is what the config says" },
      },
      schema: changed({ plugin: orNull(TEXT), level: orNull(level), before: orNull(level), note: TEXT }),
    }),
  ];
}

/** Throws HttpError (400). */
function levelIn(query: URLSearchParams): LogLevel {
  const text = query.get("level") ?? "";
  const level = text === "" ? "debug" : LOG_LEVELS.find((each) => each === text);
  if (level !== undefined) return level;
  throw new HttpError(
    400,
    `level: expected one of ${LOG_LEVELS.join(", ")}, got ${JSON.stringify(text.slice(0, 80))}`,
  );
}
