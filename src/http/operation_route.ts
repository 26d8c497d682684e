import { HttpError } from "./http_error.ts";
import { OperationHandler } from "./operation_handler.ts";
import { problem } from "./problem_response.ts";
import type { Route } from "./route.ts";

const MAX_COMMAND = 65_535;

/** One operation of a plugin: its result, or, asked for asynchronously, that it is queued. */
export const OPERATION_ROUTE: Route = {
  method: "POST",
  path: "/v1/{plugin}/{command}",
  description: {
    operationId: "callPlugin",
    summary: "Runs a command of a plugin",
    parameters: [
      {
        name: "plugin",
        in: "path",
        required: true,
        schema: { type: "string" },
        description: "Its name or its number",
      },
      {
        name: "command",
        in: "path",
        required: true,
        schema: { type: "integer", minimum: 0, maximum: MAX_COMMAND },
      },
      {
        name: "async",
        in: "query",
        schema: { type: "string" },
        allowEmptyValue: true,
        description: "Answers as soon as the operation is queued",
      },
      {
        name: "Prefer",
        in: "header",
        schema: { type: "string" },
        description: "respond-async: the same as async",
      },
      {
        name: "Idempotency-Key",
        in: "header",
        schema: { type: "string", minLength: 1, maxLength: 256 },
        description: "The param mevent.key, where the plugin remembers keys",
      },
      {
        name: "traceparent",
        in: "header",
        schema: { type: "string" },
        description: "The param mevent.traceparent, where the plugin takes it",
      },
    ],
    requestBody: {
      description: "The params; without a body, or with null, there are none",
      content: { "application/json": { schema: { type: ["object", "null"] } } },
    },
    responses: {
      "200": {
        description: "Done; the result",
        headers: {
          "Mevent-Code": { schema: { type: "integer" }, description: "The reply code, where it is not 1000" },
        },
        content: { "application/json": { schema: {} } },
      },
      "202": {
        description: "Queued",
        headers: { Location: { schema: { type: "string" }, description: "Where to ask what it comes to" } },
        content: { "application/json": { schema: { $ref: "#/components/schemas/Accepted" } } },
      },
      "400": problem("The request, or a param, is wrong: codes 17 and 23"),
      "404": problem("No such plugin, command or key: codes 18 and 24"),
      "422": problem("An error of the plugin's own: codes 25 to 999"),
      "500": problem("The plugin failed, or its result cannot be sent: codes 14 and 22"),
      "502": problem("The plugin's database failed: code 20"),
      "503": problem("The queue is full, or the server stops: code 21"),
      "504": problem("The operation took longer than its time-out: code 14"),
    },
  },
  handler({ query }, [plugin = "", text = ""]) {
    const command = /^\d{1,5}$/.test(text) ? Number(text) : NaN;
    if (!(command <= MAX_COMMAND)) {
      throw new HttpError(
        404,
        `${JSON.stringify(text)} is no command: they are numbers up to ${MAX_COMMAND}`,
      );
    }
    const asked = query.get("async");
    return new OperationHandler(plugin, command, asked !== null && asked !== "false" && asked !== "0");
  },
};
