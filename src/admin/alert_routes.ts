import { ALERT_KINDS } from "../alerts/alert_rule.ts";
import type { Route } from "../http/route.ts";
import type { AdminParts } from "./admin_parts.ts";
import { changeRoute } from "./change_route.ts";
import { jsonRoute } from "./json_route.ts";
import { changed, COUNT, listOf, NUMBER, orNull, tableOf, TEXT } from "./schemas.ts";

/** What alerts have found, and tests of those who are told. */
export function alertRoutes({ target }: Pick<AdminParts, "target">): Route[] {
  const rule = tableOf({
    name: TEXT,
    kind: { enum: [...ALERT_KINDS] },
    subject: orNull(TEXT),
    condition: TEXT,
    state: { enum: ["ok", "pending", "firing", "clearing"] },
    since_at: orNull(NUMBER),
    value: orNull(NUMBER),
    message: orNull(TEXT),
    last_sent_at: orNull(NUMBER),
    problem: orNull(TEXT),
  });
  const receiver = tableOf({
    name: TEXT,
    to: TEXT,
    waiting: COUNT,
    sent: COUNT,
    dropped: COUNT,
    last_sent_at: orNull(NUMBER),
    problem: orNull(TEXT),
  });
  return [
    jsonRoute({
      path: "/api/v1/alerts",
      operationId: "alerts",
      summary: "The rules of alerts, what each has found, and those who are told",
      schema: tableOf({ rules: listOf(rule), receivers: listOf(receiver) }),
      right: "stats",
      answer: () => target.alerts.list(),
    }),
    changeRoute(target, {
      command: "alert-test",
      path: "/api/v1/alerts/test",
      operationId: "testAlerts",
      summary: "Sends a test to a receiver, or to all, and tells what has come of it",
      members: { receiver: { ...orNull(TEXT), description: "null or left out is every receiver" } },
      schema: changed({
        tests: listOf(tableOf({ receiver: TEXT, to: TEXT, problem: orNull(TEXT), ms: NUMBER })),
      }),
    }),
  ];
}
