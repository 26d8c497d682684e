import type { JsonObject } from "../plugin.ts";
import type { ControlCommand } from "./control_command.ts";
import { ControlRefusal, type ControlRequest, shown } from "./control_request.ts";
import type { ControlTarget } from "./control_target.ts";

/** What is asked about alerts, and done about them. */
export const ALERT_COMMANDS: readonly (readonly [string, ControlCommand])[] = [
  ["alerts", { keys: [], changes: false, run: ({ alerts }) => alerts.list() }],
  ["alert-test", { keys: ["receiver"], changes: true, run: test }],
];

/** Each receiver is sent a test, and what has come of it is told. */
async function test({ alerts }: ControlTarget, request: ControlRequest): Promise<JsonObject> {
  const given = request.values["receiver"] ?? null;
  const receiver = given === null ? null : request.text("receiver");
  const { receivers } = alerts.list();
  const asked = receivers.filter(({ name }) => receiver === null || receiver === name);
  if (asked.length === 0) {
    const known = receivers.map(({ name }) => name).join(", ");
    throw receiver === null
      ? new ControlRefusal("there is no [[receiver]] in the config: nobody is told of alerts")
      : new ControlRefusal(
        `there is no receiver ${shown(receiver)}; there is ${known || "none at all"}`,
        "unknown",
      );
  }
  if (request.flag("dry_run")) {
    return { tests: asked.map(({ name, to }) => ({ receiver: name, to, problem: null, ms: 0 })) };
  }
  return { tests: (await alerts.test(receiver)).map((each) => ({ ...each })) };
}
