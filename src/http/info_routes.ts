import type { JsonObject } from "../plugin.ts";
import { READY_PATH } from "./authorize.ts";
import type { Route, WholeHandler } from "./route.ts";

const JSON_TYPE = "application/json";

/** Where the server stands. */
export interface Standing {
  readonly version: string;
  state(): string;
}

/** What the server tells of itself: whether it takes operations, and what there is to be asked. */
export function infoRoutes({ state }: Standing, document: () => JsonObject): Route[] {
  return [
    {
      method: "GET",
      path: READY_PATH,
      takes: null,
      gives: JSON_TYPE,
      description: {
        operationId: "ready",
        summary: "Whether the server takes operations",
        responses: {
          "200": { description: "It does", content: { [JSON_TYPE]: { schema: STATE } } },
          "503": { description: "It starts or stops", content: { [JSON_TYPE]: { schema: STATE } } },
        },
      },
      handler: () =>
        answering((exchange) => {
          const now = state();
          const status = now === "running" ? 200 : 503;
          exchange.respond(
            status,
            { "Content-Type": JSON_TYPE, "Cache-Control": "no-store" },
            JSON.stringify({ state: now }),
          );
        }),
    },
    {
      method: "GET",
      path: "/openapi.json",
      takes: null,
      gives: JSON_TYPE,
      description: {
        operationId: "openapi",
        summary: "This description",
        responses: {
          "200": { description: "OpenAPI 3.1", content: { [JSON_TYPE]: { schema: { type: "object" } } } },
        },
      },
      handler: () =>
        answering((exchange) =>
          exchange.respond(200, { "Content-Type": JSON_TYPE }, JSON.stringify(document()))
        ),
    },
  ];
}

const STATE = {
  type: "object",
  required: ["state"],
  properties: { state: { enum: ["starting", "running", "draining", "stopped"] } },
};

function answering(handle: WholeHandler["handle"]): WholeHandler {
  return { streams: false, handle };
}
