import { parseJson } from "../exact_json.ts";
import type { JsonObject, JsonValue } from "../plugin.ts";
import { LineError } from "../protocol/line_reader.ts";
import type { Actor } from "./actor.ts";
import type { ControlCommand } from "./control_command.ts";
import { CONTROL_COMMANDS } from "./control_commands.ts";
import type { ControlHandler } from "./control_connection.ts";
import { ControlDenial, type ControlDoor, withoutToken } from "./control_door.ts";
import { ControlRefusal, ControlRequest, shown } from "./control_request.ts";
import type { ControlTarget } from "./control_target.ts";
import { noteRefusal, perform } from "./perform.ts";

/**
 * Works on request lines: `{"command": "pause", "plugin": "echo"}`. The answer is `{"ok": true, "result": …}`, or
 * `{"ok": false, "error": "a sentence"}`; whatever goes wrong in a command ends that request, never the server.
 */
export function controlHandler(target: ControlTarget): ControlHandler {
  return (line, door) => {
    const values = parse(line);
    const request = new ControlRequest(withoutToken(values));
    const name = request.values["command"];
    const command = typeof name === "string" ? CONTROL_COMMANDS.get(name) : undefined;
    return {
      answer: answer(target, request, command, door, values["token"]),
      progress: () => command?.progress?.(target) ?? {},
    };
  };
}

async function answer(
  target: ControlTarget,
  request: ControlRequest,
  command: ControlCommand | undefined,
  door: ControlDoor,
  token: JsonValue | undefined,
): Promise<JsonObject> {
  const { command: name, plugin } = request.values;
  try {
    const actor = await admitted(target, request, command, door, token);
    if (command === undefined) {
      const known = [...CONTROL_COMMANDS.keys()].join(", ");
      const message = `unknown command ${shown(name ?? null)}; expected one of ${known}`;
      noteRefusal(target, String(name), request, actor, message);
      throw new ControlRefusal(message, "wrong");
    }
    return { ok: true, result: await perform(target, String(name), command, request, actor) };
  } catch (error) {
    if (error instanceof ControlRefusal) return { ok: false, error: error.message };
    target.log.error("a control command met an error of the server's own", {
      command: String(name),
      ...typeof plugin === "string" ? { plugin } : {},
      error: error instanceof Error ? error.stack ?? error.message : String(error),
    });
    return { ok: false, error: "the server met an error of its own; its log tells more" };
  }
}

/** Who sends a request. Rejects with ControlRefusal where it may not be done. */
async function admitted(
  target: ControlTarget,
  request: ControlRequest,
  command: ControlCommand | undefined,
  door: ControlDoor,
  token: JsonValue | undefined,
): Promise<Actor> {
  const { command: name, plugin } = request.values;
  const named = typeof plugin === "string" ? target.plugin(plugin)?.name ?? plugin : null;
  try {
    return await door.check(token, String(name), named);
  } catch (error) {
    const isNoted = error instanceof ControlRefusal && command?.changes !== false;
    if (isNoted) {
      const actor = error instanceof ControlDenial ? error.actor : door.actor;
      noteRefusal(target, String(name), request, actor, error.message);
    }
    throw error;
  }
}

function parse(line: string): JsonObject {
  let value: JsonValue;
  try {
    value = parseJson(line);
  } catch {
    throw notAnObject();
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw notAnObject();
  return value;
}

function notAnObject(): LineError {
  return new LineError('expected a line with a JSON object such as {"command": "stats"}');
}
