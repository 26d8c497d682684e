import type { JsonValue } from "../plugin.ts";
import type { ControlCommand } from "./control_command.ts";
import type { LimitEdits } from "./limits_report.ts";
import { ControlRefusal, type ControlRequest, shown } from "./control_request.ts";

/** Limits that one request changes at most. */
const MAX_LIMITS = 50;

/** Changes limits of a plugin that runs. */
export const LIMITS_COMMAND: ControlCommand = {
  keys: ["plugin", "limits"],
  changes: true,
  async run(target, request) {
    const { name } = target.pluginOf(request.text("plugin"));
    return await target.changeLimits(name, editsOf(request), request.flag("dry_run"));
  },
};

function editsOf({ values }: ControlRequest): LimitEdits {
  const { limits } = values;
  const entries: [string, JsonValue][] =
    typeof limits === "object" && limits !== null && !Array.isArray(limits) ? Object.entries(limits) : [];
  if (entries.length === 0 || entries.length > MAX_LIMITS) {
    throw new ControlRefusal(
      `limits: expected up to ${MAX_LIMITS} limits such as {"queue.max_ops": 5000}, got ${
        shown(limits ?? null)
      }`,
      "wrong",
    );
  }
  const edits: { [key: string]: string | number } = Object.create(null);
  for (const [key, value] of entries) {
    if (typeof value !== "string" && typeof value !== "number") {
      throw new ControlRefusal(`limits: ${key}: expected a number or a text, got ${shown(value)}`, "wrong");
    }
    edits[key] = value;
  }
  return edits;
}
