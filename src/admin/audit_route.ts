import { MAX_KEPT } from "../control/audit_log.ts";
import { HttpError } from "../http/http_error.ts";
import type { Route } from "../http/route.ts";
import type { Audit } from "./api.ts";
import type { Told } from "./told.ts";
import type { AdminParts } from "./admin_parts.ts";
import { jsonRoute } from "./json_route.ts";
import { ANY_OBJECT, COUNT, FLAG, listOf, NUMBER, orNull, tableOf, TEXT } from "./schemas.ts";

/** Entries in one answer where nothing is said. */
const DEFAULT_LIMIT = 100;

/** Who has changed what. */
export function auditRoute({ target }: Pick<AdminParts, "target">): Route {
  const entry = tableOf({
    seq: COUNT,
    at: NUMBER,
    who: tableOf({
      by: { enum: ["http", "control", "signal", "server"] },
      name: orNull(TEXT),
      address: orNull(TEXT),
      uid: orNull(COUNT),
    }),
    action: TEXT,
    plugin: orNull(TEXT),
    details: ANY_OBJECT,
    outcome: { enum: ["done", "begun", "refused", "failed"] },
    result: ANY_OBJECT,
    message: orNull(TEXT),
  });
  return jsonRoute({
    path: "/api/v1/audit",
    operationId: "audit",
    summary: "Who has changed what since the start, the newest last",
    parameters: [
      { name: "after", in: "query", schema: COUNT, description: "Entries behind that number alone" },
      { name: "limit", in: "query", schema: { type: "integer", minimum: 1, maximum: MAX_KEPT } },
    ],
    schema: tableOf({ entries: listOf(entry), last: COUNT, missed: COUNT, truncated: FLAG }),
    right: "control",
    answer(_, { query }): Told<Audit> {
      const after = wholeNumber(query, "after", 0, 0, Number.MAX_SAFE_INTEGER);
      const limit = wholeNumber(query, "limit", DEFAULT_LIMIT, 1, MAX_KEPT);
      const { audit } = target;
      const kept = audit.after(after, MAX_KEPT);
      const missed = Math.max(0, audit.last - after - kept.length);
      return { entries: kept.slice(-limit), last: audit.last, missed, truncated: kept.length > limit };
    },
  });
}

/** A parameter of the query. Throws HttpError (400) where it is none. */
export function wholeNumber(
  query: URLSearchParams,
  name: string,
  otherwise: number,
  least: number,
  most: number,
): number {
  const text = query.get(name);
  if (text === null || text === "") return otherwise;
  const value = /^\d{1,16}$/.test(text) ? Number(text) : NaN;
  if (value >= least && value <= most) return value;
  throw new HttpError(
    400,
    `${name}: expected a whole number from ${least} to ${most}, got ${JSON.stringify(text.slice(0, 80))}`,
  );
}
