import { Batch } from "./batch.ts";
import { checkAccept, checkContentType } from "./media.ts";
import type { Route, StreamHandler } from "./route.ts";

const NDJSON = "application/x-ndjson";

const LINE_IN = {
  type: "object",
  required: ["plugin", "command"],
  additionalProperties: false,
  properties: {
    id: { type: ["number", "string"], description: "What the line of its result is called; up to 64 bytes" },
    plugin: { type: ["string", "integer"] },
    command: { type: "integer", minimum: 0, maximum: 65_535 },
    params: { type: ["object", "null"] },
    async: { type: "boolean", description: "Answered as soon as it is queued" },
    key: { type: ["string", "null"], description: "The param mevent.key" },
  },
};

const LINE_OUT = {
  type: "object",
  required: ["code"],
  properties: {
    id: { type: ["number", "string"] },
    line: { type: "integer", description: "In place of the id, of a line that had none" },
    code: { type: "integer", description: "The reply code; from 1000 on the operation is done" },
    result: { description: "What the command gives" },
    accepted: { $ref: "#/components/schemas/Accepted" },
    status: { type: "integer", description: "The HTTP status that the error would have by itself" },
    error: { type: "string" },
  },
};

const HANDLER: StreamHandler = {
  streams: true,
  open(exchange) {
    checkContentType(exchange.head, NDJSON);
    checkAccept(exchange.head, NDJSON);
    return new Batch(exchange);
  },
};

/** Many operations in one request. */
export const BATCH_ROUTE: Route = {
  method: "POST",
  path: "/v1/batch",
  description: {
    operationId: "runBatch",
    summary:
      "Runs many operations: a line in and a line out for each, in the order in which they are answered",
    requestBody: { required: true, content: { [NDJSON]: { schema: LINE_IN } } },
    responses: {
      "200": { description: "A line for each operation", content: { [NDJSON]: { schema: LINE_OUT } } },
    },
  },
  handler: () => HANDLER,
};
