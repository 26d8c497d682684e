import type { Readiness } from "../observe/readiness.ts";
import type { JsonObject } from "../plugin.ts";
import { READY_PATH } from "./authorize.ts";
import type { Route, WholeHandler } from "./route.ts";

const JSON_TYPE = "application/json";

/** Where the server stands. */
export interface Standing {
  readonly version: string;
  state(): string;
  readiness(): Readiness;
}

/** What the server tells of itself: whether it takes operations, and what there is to be asked. */
export function infoRoutes({ state, readiness }: Standing, document: () => JsonObject): Route[] {
  return [
    {
      method: "GET",
      path: READY_PATH,
      description: {
        operationId: "ready",
        summary: "Whether the server takes operations",
        responses: {
          "200": { description: "It does", content: { [JSON_TYPE]: { schema: STATE } } },
          "503": {
            description: "It starts or stops, or a plugin's journal takes nothing",
            content: { [JSON_TYPE]: { schema: STATE } },
          },
        },
      },
      handler: () =>
        answering((exchange) => {
          const { ready, reasons } = readiness();
          const status = ready ? 200 : 503;
          exchange.respond(
            status,
            { "Content-Type": JSON_TYPE, "Cache-Control": "no-store" },
            JSON.stringify({ state: state(), not_ready: reasons }),
          );
        }),
    },
    {
      method: "GET",
      path: "/openapi.json",
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
  required: ["state", "not_ready"],
  properties: {
    state: { enum: ["starting", "running", "draining", "stopped"] },
    not_ready: { type: "array", items: { type: "string" } },
  },
};

function answering(handle: WholeHandler["handle"]): WholeHandler {
  return { streams: false, handle };
}
