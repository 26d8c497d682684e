import { parseJson } from "../exact_json.ts";
import type { ControlCommand } from "../control/control_command.ts";
import { CONTROL_COMMANDS } from "../control/control_commands.ts";
import { ControlRefusal, ControlRequest } from "../control/control_request.ts";
import type { ControlTarget } from "../control/control_target.ts";
import { noteRefusal, perform } from "../control/perform.ts";
import type { Exchange } from "../http/exchange.ts";
import { HttpError } from "../http/http_error.ts";
import { checkAccept, checkContentType } from "../http/media.ts";
import { problem } from "../http/problem_response.ts";
import type { Route } from "../http/route.ts";
import type { JsonObject, JsonValue } from "../plugin.ts";
import { actorOf, checkRight, checkSender } from "./admin_guard.ts";
import { answerWith, JSON_TYPE } from "./json_route.ts";

const decoder = new TextDecoder("utf-8", { fatal: true });

/** A control command that may be given over HTTP. */
export interface HttpChange {
  /** The control command's name: what it takes and does stands in the one table of them. */
  readonly command: string;
  /** `/api/v1/plugins/{plugin}/pause`: a parameter of the path is the command's key of that name. */
  readonly path: string;
  readonly operationId: string;
  readonly summary: string;
  /** JSON Schemas of the body's members; `dry_run` is always among them. */
  readonly members?: { readonly [name: string]: JsonObject };
  /** That of the answer. */
  readonly schema: JsonObject;
  /**
   * The plugin that is changed, where no parameter of the path names it: its right counts, and it is the command's key `plugin`. Null is
   * the server as a whole.
   */
  pluginOf?(values: JsonObject): string | null;
}

const DRY_RUN = { type: "boolean", description: "Tells what would be done, and does nothing" };

/** The route of a change. */
export function changeRoute(target: ControlTarget, change: HttpChange): Route {
  const { command: name, path, operationId, summary, members = {}, schema } = change;
  const command = CONTROL_COMMANDS.get(name);
  if (command === undefined) throw new TypeError(`there is no control command ${name}`);
  const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, key = ""]) => key);
  const isLong = command.progress !== undefined;
  const answers = { description: "Done", content: { [JSON_TYPE]: { schema } } };
  return {
    method: "POST",
    path,
    description: {
      operationId,
      summary,
      tags: ["admin"],
      parameters: named.map((key) => ({ name: key, in: "path", required: true, schema: { type: "string" } })),
      requestBody: {
        description: "{} where nothing is to be said",
        required: true,
        content: {
          [JSON_TYPE]: {
            schema: {
              type: "object",
              additionalProperties: false,
              properties: { dry_run: DRY_RUN, ...members },
            },
          },
        },
      },
      responses: {
        "200": isLong ? { ...answers, description: "What would be done" } : answers,
        ...isLong ? { "202": { ...answers, description: "Begun" } } : {},
        "404": problem("There is none of that name"),
        "409": problem("The server's state does not allow it"),
      },
    },
    handler: (_, values) => ({
      streams: false,
      handle(exchange) {
        const given = Object.fromEntries(named.map((key, at) => [key, values[at] ?? ""]));
        checkSender(exchange);
        checkContentType(exchange.head, JSON_TYPE);
        const asked: JsonObject = { ...bodyOf(exchange, named), ...given };
        const plugin = change.pluginOf?.(asked) ?? null;
        const request = new ControlRequest(plugin === null ? asked : { ...asked, plugin });
        checkChange(exchange, target, name, request);
        checkAccept(exchange.head, JSON_TYPE);
        const isBegun = isLong && request.values["dry_run"] !== true;
        answerWith(exchange, isBegun ? 202 : 200, () => {
          const done = perform(target, name, command, request, actorOf(exchange));
          return isBegun ? begun(target, command, done) : done;
        });
      },
    }),
  };
}

/** Throws HttpError where the sender of a request may not change that; a refusal for want of a right is noted. */
function checkChange(exchange: Exchange, target: ControlTarget, name: string, request: ControlRequest): void {
  const { plugin } = request.values;
  const known = typeof plugin === "string" ? target.plugin(plugin)?.name ?? plugin : null;
  try {
    checkRight(exchange, "control", known);
  } catch (error) {
    if (error instanceof HttpError) {
      noteRefusal(target, name, request, actorOf(exchange), error.message);
    }
    throw error;
  }
}

/** The body's members. Throws HttpError (400). */
function bodyOf({ body, bodyAt, bodyLength }: Exchange, named: readonly string[]): JsonObject {
  let value: JsonValue;
  try {
    value = parseJson(decoder.decode(body.subarray(bodyAt, bodyAt + bodyLength)));
  } catch {
    throw new HttpError(400, "the body is no JSON in UTF-8; {} is enough where nothing is to be said");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new HttpError(400, "the body is to be a JSON object such as {}");
  }
  const doubled = ["command", ...named].find((key) => Object.hasOwn(value, key));
  if (doubled !== undefined && doubled !== "command") {
    throw new HttpError(400, `${doubled} stands in the path; leave it out of the body`);
  }
  return value;
}

/** What is told of a change that goes on for long; rejects where it is refused at once. */
async function begun(
  target: ControlTarget,
  command: ControlCommand,
  done: Promise<JsonObject>,
): Promise<JsonObject> {
  const told = { ...command.progress!(target), drain_timeout_ms: target.drainTimeout() };
  let refusal: ControlRefusal | null = null;
  done.catch((error) => {
    if (error instanceof ControlRefusal) refusal = error;
    else target.log.error("what was begun over HTTP has failed", { error: String(error) });
  });
  await new Promise((resolve) => setTimeout(resolve, 0));
  if (refusal !== null) throw refusal;
  return told;
}
