import type { JsonObject } from "../plugin.ts";
import type { Route } from "./route.ts";
import { STATE_SCHEMA } from "./state_route.ts";

/** The OpenAPI 3.1 document of the routes. */
export function openApi(routes: readonly Route[], version: string): JsonObject {
  const paths: { [path: string]: { [method: string]: JsonObject } } = {};
  for (const { path, method, description } of routes) {
    (paths[path] ??= {})[method.toLowerCase()] = description;
  }
  return {
    openapi: "3.1.0",
    info: { title: "mevent", version, summary: "Operations of a server's plugins, as JSON" },
    paths,
    components: {
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
