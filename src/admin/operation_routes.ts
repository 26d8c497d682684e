import type { ControlTarget } from "../control/control_target.ts";
import { type KeptLine, MAX_KEPT_LINES } from "../observe/log_ring.ts";
import { HttpError } from "../http/http_error.ts";
import type { Route } from "../http/route.ts";
import { type OperationFilter, STATES } from "../operations/operation_filter.ts";
import { DEFAULT_ROWS, MAX_ROWS } from "../operations/operations.ts";
import type { JsonObject } from "../plugin.ts";
import { may, maySeeParams } from "./admin_guard.ts";
import type { AdminParts } from "./admin_parts.ts";
import { wholeNumber } from "./audit_route.ts";
import { changeRoute } from "./change_route.ts";
import { jsonRoute } from "./json_route.ts";
import { ANY_OBJECT, changed, COUNT, FLAG, listOf, NUMBER, orNull, tableOf, TEXT, TEXTS } from "./schemas.ts";
import type { OperationStateName } from "../operations/told.ts";

/** Lines of the log about one operation, the newest of them. */
const MAX_LOG_LINES = 100;
/** The longest text that is looked for, in UTF-16 units. */
const MAX_TEXT = 200;
const PLUGIN = { name: "plugin", in: "path", required: true, schema: TEXT };
const ID = { name: "id", in: "path", required: true, schema: TEXT };
const ROW = {
  id: TEXT,
  number: COUNT,
  state: { enum: [...STATES] },
  command: COUNT,
  command_name: TEXT,
  sync: FLAG,
  attempts: COUNT,
  accepted_at: orNull(NUMBER),
  age_ms: orNull(NUMBER),
  due_in_ms: orNull(NUMBER),
  ended_at: orNull(NUMBER),
  bytes: COUNT,
  generation: TEXT,
  error: orNull(TEXT),
  progress: orNull(ANY_OBJECT),
  params: orNull(TEXT),
};
const GENERATION = {
  ...TEXT,
  description: "That which the operation was seen with; 409 where it has another by now",
};

/** The routes by which operations are looked for and changed. */
export function operationRoutes({ target }: Pick<AdminParts, "target">): Route[] {
  const { operations } = target;
  const outcome = changed({
    id: TEXT,
    plugin: TEXT,
    outcome: { enum: ["cancelled", "cancelling", "retried"] },
  });
  const pluginOf = ({ id }: JsonObject) => typeof id === "string" ? operations.pluginOf(id) : null;
  return [
    jsonRoute({
      path: "/api/v1/plugins/{plugin}/operations",
      operationId: "listOperations",
      summary: "Looks through a plugin's operations: what runs and waits, dead letters, what has ended",
      parameters: [
        PLUGIN,
        { name: "state", in: "query", schema: TEXT, description: `One or more of ${STATES.join(",")}` },
        { name: "command", in: "query", schema: COUNT },
        { name: "older_ms", in: "query", schema: COUNT, description: "Accepted at least so long ago" },
        { name: "text", in: "query", schema: TEXT, description: "In the params, as they were sent" },
        { name: "limit", in: "query", schema: { type: "integer", minimum: 1, maximum: MAX_ROWS } },
        { name: "after", in: "query", schema: TEXT, description: "The `next` of the look before" },
      ],
      schema: tableOf({
        plugin: TEXT,
        operations: listOf(tableOf(ROW)),
        next: orNull(TEXT),
        looked_at: COUNT,
        truncated: FLAG,
        on_disk_alone: COUNT,
      }),
      right: "stats",
      answer(exchange, { query }, [name = ""]) {
        const plugin = target.pluginOf(name);
        const filter = filterOf(query);
        const sees = maySeeParams(exchange, plugin.name);
        if (filter.text !== "" && !sees) {
          throw new HttpError(
            403,
            `who may not see the params of plugin ${plugin.name} cannot look for texts in them`,
          );
        }
        const limit = wholeNumber(query, "limit", DEFAULT_ROWS, 1, MAX_ROWS);
        return operations.list(plugin, filter, limit, query.get("after") ?? "", sees);
      },
    }),
    jsonRoute({
      path: "/api/v1/operations/{id}",
      operationId: "operationDetails",
      summary: "All that is known of one operation",
      parameters: [ID],
      schema: tableOf({
        ...ROW,
        plugin: TEXT,
        timeline: listOf(ANY_OBJECT),
        full_params: {},
        params_truncated: FLAG,
        result: {},
        result_truncated: FLAG,
        code: orNull(COUNT),
        retried_as: orNull(TEXT),
        lost: orNull(TEXT),
        can: TEXTS,
        log: listOf(ANY_OBJECT),
      }),
      right: null,
      answer(exchange, _, [id = ""]) {
        const operation = operations.named(id, (plugin) => may(exchange, "stats", plugin));
        const sees = maySeeParams(exchange, operation.plugin.name);
        const { plugin, number } = operation;
        return {
          ...operations.details(operation, sees),
          log: sees ? linesOf(target, plugin.name, id, number).map((line) => ({ ...line })) : [],
        };
      },
    }),
    changeRoute(target, {
      command: "cancel-operation",
      path: "/api/v1/operations/{id}/cancel",
      operationId: "cancelOperation",
      summary: "Takes an operation out of the queue, or aborts the signal of one that runs",
      members: { generation: GENERATION },
      schema: outcome,
      pluginOf,
    }),
    changeRoute(target, {
      command: "retry-operation",
      path: "/api/v1/operations/{id}/retry",
      operationId: "retryOperation",
      summary: "Puts a dead letter back in line",
      members: { generation: GENERATION },
      schema: outcome,
      pluginOf,
    }),
    changeRoute(target, {
      command: "send",
      path: "/api/v1/plugins/{plugin}/send",
      operationId: "sendOperation",
      summary: "Sends an operation, as a caller would",
      members: {
        command: COUNT,
        params: ANY_OBJECT,
        sync: { ...FLAG, description: "Waits for the result" },
        instead_of: { ...TEXT, description: "The operation that it repeats, for the audit log" },
      },
      schema: changed({
        plugin: TEXT,
        command: COUNT,
        id: orNull(TEXT),
        code: COUNT,
        result: {},
        took_ms: NUMBER,
      }),
    }),
  ];
}

function filterOf(query: URLSearchParams): OperationFilter {
  const text = query.get("text") ?? "";
  if (text.length > MAX_TEXT) throw new HttpError(400, `text: ${MAX_TEXT} characters at most`);
  const command = wholeNumber(query, "command", -1, 0, 65535);
  return {
    states: statesOf(query.getAll("state").flatMap((each) => each.split(",")).filter((each) => each !== "")),
    command: command < 0 ? null : command,
    olderMs: wholeNumber(query, "older_ms", 0, 0, Number.MAX_SAFE_INTEGER),
    text,
  };
}

function statesOf(names: readonly string[]): ReadonlySet<OperationStateName> | null {
  if (names.length === 0) return null;
  return new Set(names.map((name) => {
    const state = STATES.find((each) => each === name);
    if (state !== undefined) return state;
    throw new HttpError(
      400,
      `state: expected ${STATES.join(", ")}, got ${JSON.stringify(name.slice(0, 80))}`,
    );
  }));
}

/** The lines of the log that name an operation: those of its plugin's command by its id, the server's by its number. */
function linesOf({ log }: ControlTarget, plugin: string, id: string, number: number): KeptLine[] {
  const filter = { after: 0, level: "debug" as const, limit: MAX_KEPT_LINES, maySee: () => true };
  const { lines } = log.ring.find({ ...filter, plugin, text: '"operation' });
  const isAbout = ({ fields }: KeptLine) => fields["operation_id"] === id || fields["operation"] === number;
  return lines.filter(isAbout).slice(-MAX_LOG_LINES);
}
