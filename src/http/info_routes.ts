import type { Readiness } from "../observe/readiness.ts";
import type { JsonObject } from "../plugin.ts";
import { HEALTH_PATH, READY_PATH } from "./authorize.ts";
import type { Route, WholeHandler } from "./route.ts";

const JSON_TYPE = "application/json";
const FRESH = { "Content-Type": JSON_TYPE, "Cache-Control": "no-store" };

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
            description:
              "It starts or stops, a plugin's journal takes nothing, or an essential plugin is down",
            content: { [JSON_TYPE]: { schema: STATE } },
          },
        },
      },
      handler: () =>
        answering((exchange) => {
          const { ready, reasons } = readiness();
          const status = ready ? 200 : 503;
          exchange.respond(status, FRESH, JSON.stringify({ state: state(), not_ready: reasons }));
        }),
    },
    {
      method: "GET",
      path: HEALTH_PATH,
      description: {
        operationId: "health",
        summary: "Whether the server lives: 200 whatever it can do now",
        responses: { "200": { description: "It does", content: { [JSON_TYPE]: { schema: HEALTH } } } },
      },
      handler: () =>
        answering((exchange) => exchange.respond(200, FRESH, JSON.stringify({ state: state() }))),
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

const STATES = { enum: ["starting", "running", "draining", "stopped"] };
const HEALTH = { type: "object", required: ["state"], properties: { state: STATES } };

const STATE = {
  type: "object",
  required: ["state", "not_ready"],
  properties: {
    state: STATES,
    not_ready: { type: "array", items: { type: "string" } },
  },
};

function answering(handle: WholeHandler["handle"]): WholeHandler {
  return { streams: false, handle };
}
