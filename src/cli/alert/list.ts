import type { JsonObject, JsonValue } from "../../plugin.ts";
import { aligned, printable } from "../aligned.ts";
import type { Command } from "../command.ts";
import { CONTROL_EXIT_CODES, CONTROL_FLAGS, controlCall } from "../control/call.ts";
import { AnswerError, isObject } from "../control/client.ts";

export const alertListCommand: Command = {
  name: "alert list",
  summary: "Shows the alerts of a server, what each has found, and who is told.",
  usage: "[flags]",
  details: [
    "States: ok; pending, where it holds and is not told yet; firing; clearing, where it holds no more and that is not told yet.",
    CONTROL_EXIT_CODES,
  ],
  flags: CONTROL_FLAGS,
  positionals: false,
  examples: ["mevent alert list", "mevent alert list --json"],
  run: (args, io) => controlCall(args, io, { request: { command: "alerts" }, text: alertsText }),
};

function alertsText({ rules, receivers }: JsonObject): string {
  const alerts = listed(rules);
  const told = listed(receivers);
  if (alerts.length === 0) return "there is no [[alert]] in the config\n";
  const table = tableText([0, 1, 2, 3], [
    ["alert", "of", "state", "finds"],
    ...alerts.map(({ name, subject, state, message, condition, problem }) => [
      String(name),
      String(subject ?? ""),
      String(state),
      `${message ?? condition}${problem === null ? "" : ` (not told: ${problem})`}`,
    ]),
  ]);
  if (told.length === 0) return `${table}\nthere is no [[receiver]]: they are told in the log alone\n`;
  return `${table}\n${
    tableText([0, 1, 5], [
      ["receiver", "to", "sent", "waiting", "given up", "problem"],
      ...told.map(({ name, to, sent, waiting, dropped, problem }) => [
        String(name),
        String(to),
        String(sent),
        String(waiting),
        String(dropped),
        String(problem ?? ""),
      ]),
    ])
  }`;
}

function listed(value: JsonValue | undefined): readonly JsonObject[] {
  if (Array.isArray(value) && value.every(isObject)) return value;
  throw new AnswerError("the server's answer has no alerts: is it of this version?");
}

/** @param left the columns of texts */
function tableText(left: readonly number[], rows: readonly (readonly string[])[]): string {
  return aligned(rows, left).map((line) => `${printable(line)}\n`).join("");
}
