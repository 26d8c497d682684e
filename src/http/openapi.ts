import type { JsonObject } from "../plugin.ts";
import { problem } from "./problem_response.ts";
import type { Route } from "./route.ts";
import { STATE_SCHEMA } from "./state_route.ts";

/** What any request may be answered with. */
const COMMON = {
  "400": problem("The request is not HTTP/1.1 as it is to be"),
  "401": problem("The listener asks for a token, and this is none"),
  "403": problem("Its sender may not do this, or is a page of an origin that may not call"),
  "406": problem("The response is of no type that Accept names"),
  "408": problem("It did not come to its end in time"),
  "414": problem("Its target is too long"),
  "429": problem("Requests come faster than the rate that is allowed"),
  "431": problem("Its head is too long"),
  "500": problem("The server met an error of its own"),
};
/** What one with a body may be answered with beside that. */
const OF_BODIES = {
  "413": problem("The body is longer than max_frame"),
  "415": problem("The body is of another type, or encoded"),
  "417": problem("It expects something else than 100-continue"),
};

/** The OpenAPI 3.1 document of the routes. */
export function openApi(routes: readonly Route[], version: string): JsonObject {
  const paths: { [path: string]: { [method: string]: JsonObject } } = {};
  for (const { path, method, description } of routes) {
    const ofBodies = method === "POST" ? OF_BODIES : {};
    const responses = { ...COMMON, ...ofBodies, ...description["responses"] as JsonObject };
    (paths[path.replace("+}", "}")] ??= {})[method.toLowerCase()] = { ...description, responses };
  }
  return {
    openapi: "3.1.0",
    info: { title: "mevent", version, summary: "Operations of a server's plugins, as JSON" },
    paths,
    security: [{}, { token: [] }],
    components: {
      securitySchemes: {
        token: { type: "http", scheme: "bearer", description: "Where the listener asks for one" },
      },
      schemas: {
        Problem: {
          type: "object",
          description: "RFC 9457; code and what follows where an operation was answered with an error",
          required: ["type", "title", "status", "detail"],
          properties: {
            type: { const: "about:blank" },
            title: { type: "string" },
            status: { type: "integer" },
            detail: { type: "string" },
            code: { type: "integer" },
            name: { type: "string" },
            where: { type: "string" },
            trace: { type: "string" },
          },
        },
        OperationState: STATE_SCHEMA,
        Accepted: {
          type: "object",
          properties: {
            id: { type: "string", description: "The operation's" },
            keep_ms: { type: "integer", description: "How long what it comes to can be asked for" },
          },
        },
      },
    },
  };
}
