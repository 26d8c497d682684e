import { stringifyJson } from "../exact_json.ts";
import type { JsonObject } from "../plugin.ts";
import type { Actor } from "./actor.ts";
import type { Change } from "./audit_log.ts";
import type { ControlCommand } from "./control_command.ts";
import { ControlRefusal, type ControlRequest, shown } from "./control_request.ts";
import type { ControlTarget } from "./control_target.ts";

/** Longer ones, in UTF-16 units as JSON, are cut. */
const MAX_DETAILS = 4000;
/** What a request may have in it that is nobody's but its operation's. */
const PRIVATE = ["command", "plugin", "dry_run", "params"];

/**
 * Does what a request asks for, and notes it where it changes something. Rejects with ControlRefusal where it is not done, and with
 * any other error where the server has met one of its own.
 */
export async function perform(
  target: ControlTarget,
  name: string,
  command: ControlCommand,
  request: ControlRequest,
  actor: Actor,
): Promise<JsonObject> {
  const isDry = command.changes && request.values["dry_run"] === true;
  const note = (outcome: Change["outcome"], result: JsonObject, message: string | null) => {
    if (command.changes && !isDry) {
      target.audit.note(actor, { ...asked(target, name, request), outcome, result, message });
    }
  };
  try {
    request.only(command.changes ? [...command.keys, "dry_run"] : command.keys);
    request.flag("dry_run");
    // What goes on for long is noted as it begins, too.
    if (command.progress !== undefined) note("begun", command.progress(target), null);
    const result = await command.run(target, request);
    note("done", command.noted?.(result) ?? result, null);
    return isDry ? { ...result, dry_run: true } : result;
  } catch (error) {
    if (error instanceof ControlRefusal) note("refused", {}, error.message);
    else note("failed", {}, error instanceof Error ? error.message : String(error));
    throw error;
  }
}

/** Notes that a request was refused before it came to anything. */
export function noteRefusal(
  target: ControlTarget,
  name: string,
  request: ControlRequest,
  actor: Actor,
  message: string,
): void {
  target.audit.note(actor, { ...asked(target, name, request), outcome: "refused", result: {}, message });
}

function asked(
  target: ControlTarget,
  action: string,
  { values }: ControlRequest,
): Pick<Change, "action" | "plugin" | "details"> {
  const { plugin } = values;
  const named = typeof plugin === "string" ? target.plugin(plugin)?.name ?? plugin : null;
  const details = Object.entries(values).filter(([key]) => !PRIVATE.includes(key));
  const length = stringifyJson(Object.fromEntries(details)).length;
  return {
    action: action.slice(0, 80),
    plugin: named?.slice(0, 80) ?? null,
    details: length > MAX_DETAILS ? { cut: shown(Object.fromEntries(details)) } : Object.fromEntries(details),
  };
}
