import type { Action } from "../auth/identity.ts";
import { stringifyJson } from "../exact_json.ts";
import type { Exchange } from "../http/exchange.ts";
import { checkAccept } from "../http/media.ts";
import { problem } from "../http/problem_response.ts";
import type { RequestTarget } from "../http/request_target.ts";
import type { Route } from "../http/route.ts";
import type { JsonObject } from "../plugin.ts";
import { checkRight, checkSender } from "./admin_guard.ts";
import { later, refusalOf } from "./answer_later.ts";

export const JSON_TYPE = "application/json";
/** Of answers that change by the moment, and that no other site's page is to read or to take for something else. */
export const OWN_HEADERS = {
  "Cache-Control": "no-store",
  "X-Content-Type-Options": "nosniff",
  "Cross-Origin-Resource-Policy": "same-origin",
};

/** A question that is answered with JSON. */
export interface JsonQuestion {
  /** `/api/v1/plugins/{plugin}` */
  readonly path: string;
  readonly operationId: string;
  readonly summary: string;
  /** Parameter Objects in OpenAPI: those of the path, then of the query. */
  readonly parameters?: readonly JsonObject[];
  /** The JSON Schema of the answer. */
  readonly schema: JsonObject;
  /** What the sender must have the right to; null where anybody may who may send at all. A parameter of the path names the plugin. */
  readonly right: Action | null;
  /**
   * The answer. Throws HttpError, or ControlRefusal. What answers later reads nothing of the head then.
   *
   * @param values of the path's parameters, in order
   */
  answer(
    exchange: Exchange,
    target: RequestTarget,
    values: readonly string[],
  ): JsonObject | Promise<JsonObject>;
}

/** The route of a question. */
export function jsonRoute(question: JsonQuestion): Route {
  const { path, operationId, summary, parameters = [], schema, right } = question;
  const ofPlugin = path.startsWith("/api/v1/plugins/{plugin}");
  return {
    method: "GET",
    path,
    description: {
      operationId,
      summary,
      tags: ["admin"],
      parameters: [...parameters],
      responses: {
        "200": { description: "The answer", content: { [JSON_TYPE]: { schema } } },
        "404": problem("There is none of that name"),
        "409": problem("The server's state does not allow it"),
      },
    },
    handler: (target, values) => ({
      streams: false,
      handle(exchange) {
        checkSender(exchange);
        checkAccept(exchange.head, JSON_TYPE);
        if (right !== null) checkRight(exchange, right, ofPlugin ? values[0] ?? null : null);
        answerWith(exchange, 200, () => question.answer(exchange, target, values));
      },
    }),
  };
}

/** Answers a request with what is found, now or later. */
export function answerWith(
  exchange: Exchange,
  status: number,
  find: () => JsonObject | Promise<JsonObject>,
): void {
  const respond = (answer: JsonObject): void =>
    exchange.respond(status, { "Content-Type": JSON_TYPE, ...OWN_HEADERS }, stringifyJson(answer)!);
  let found: JsonObject | Promise<JsonObject>;
  try {
    found = find();
  } catch (error) {
    throw refusalOf(error, exchange);
  }
  if (found instanceof Promise) later(exchange, found, respond);
  else respond(found);
}
