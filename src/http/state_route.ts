import { MAX_WAIT_MS } from "../router/operation_states.ts";
import type { Route } from "./route.ts";
import { problem } from "./problem_response.ts";
import { StateHandler } from "./state_handler.ts";

const TIME = { type: "string", format: "date-time" };

/** Where an operation is that was queued, and what it came to. */
export const STATE_ROUTE: Route = {
  method: "GET",
  path: "/v1/operations/{id}",
  description: {
    operationId: "operationState",
    summary: "Tells where an operation is, and what it came to",
    parameters: [
      { name: "id", in: "path", required: true, schema: { type: "string" }, description: "As 202 tells it" },
      {
        name: "wait",
        in: "query",
        schema: { type: "string" },
        description: `Waits so long for its end, where its plugin keeps results: 10s, 500ms, 10; ${
          MAX_WAIT_MS / 1000
        }s at most`,
      },
    ],
    responses: {
      "200": {
        description: "Its state",
        content: { "application/json": { schema: { $ref: "#/components/schemas/OperationState" } } },
      },
      "400": problem("That is no id, or no time"),
      "404": problem("Nobody knows that operation, or not any more"),
      "500": problem("Its result cannot be sent: code 22"),
      "503": problem("Too many wait: code 21"),
    },
  },
  handler: ({ query }, [id = ""]) => new StateHandler(id, query.get("wait")),
};

/** What is told of an operation; what is not known is left out. */
export const STATE_SCHEMA = {
  type: "object",
  required: ["id", "plugin", "state", "attempts", "accepted_at"],
  properties: {
    id: { type: "string" },
    plugin: { type: "string" },
    command: { type: "integer" },
    state: {
      enum: [
        "queued",
        "running",
        "delayed",
        "retrying",
        "unsynced",
        "done",
        "failed",
        "dead",
        "cancelled",
        "expired",
      ],
    },
    attempts: { type: "integer", description: "Those that have ended" },
    accepted_at: TIME,
    ended_at: { ...TIME, description: "Where it has ended" },
    due_in_ms: { type: "integer", description: "Until it gets in line" },
    progress: {
      type: "object",
      description: "As its command has told",
      required: ["done"],
      properties: { done: { type: "number" }, total: { type: "number" }, note: { type: "string" } },
    },
    code: { type: "integer", description: "Of its last reply" },
    result: { description: "What the plugin has returned" },
    error: { type: "string" },
    retried_as: { type: "string", description: "The operation that was made of its dead letter" },
    lost: { type: "string", description: "Why what it came to is not known" },
  },
};
