import { parseJson } from "../exact_json.ts";
import type { JsonObject, JsonValue } from "../plugin.ts";
import { LineError } from "../protocol/line_reader.ts";
import { CONTROL_COMMANDS, type ControlCommand } from "./control_commands.ts";
import type { ControlHandler } from "./control_connection.ts";
import { type ControlDoor, withoutToken } from "./control_door.ts";
import { ControlRefusal, ControlRequest, shown } from "./control_request.ts";
import type { ControlTarget } from "./control_target.ts";

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
  const { log } = target;
  const { command: name, ...rest } = request.values;
  try {
    const { plugin } = rest;
    const named = typeof plugin === "string" ? target.plugin(plugin)?.name ?? plugin : null;
    await door.check(token, String(name), named);
    if (command === undefined) {
      const known = [...CONTROL_COMMANDS.keys()].join(", ");
      throw new ControlRefusal(
        `unknown command ${shown(name ?? null)}; expected one of ${known}`,
      );
    }
    request.only(command.keys);
    const note = () => command.changes ? log.info(`control: ${name}`, rest) : undefined;
    // What goes on for long is noted as it begins, all else when it is done.
    if (command.progress !== undefined) note();
    const result = await command.run(target, request);
    if (command.progress === undefined) note();
    return { ok: true, result };
  } catch (error) {
    if (error instanceof ControlRefusal) {
      if (command?.changes !== false) {
        log.warn("control: refused", { request: shown(request.values), reason: error.message });
      }
      return { ok: false, error: error.message };
    }
    log.error("a control command met an error of the server's own", {
      ...request.values,
      error: error instanceof Error ? error.stack ?? error.message : String(error),
    });
    return { ok: false, error: "the server met an error of its own; its log tells more" };
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
