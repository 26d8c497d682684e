import type { JsonObject, JsonValue } from "../../plugin.ts";
import type { Command } from "../command.ts";
import { CONTROL_EXIT_CODES, CONTROL_FLAGS, controlCall, DRY_RUN, dryRun, notDone } from "./call.ts";

export const reloadCommand: Command = {
  name: "reload",
  summary: "Has the server load its config again and take over what changed.",
  usage: "[flags]",
  details: [
    "As HUP does, and with an answer: what has changed, or why nothing has. No connection and no operation is dropped.",
    CONTROL_EXIT_CODES,
  ],
  flags: [DRY_RUN, ...CONTROL_FLAGS],
  positionals: false,
  examples: ["mevent reload", "mevent reload --dry-run", "mevent reload --json"],
  async run(args, io) {
    return await controlCall(args, io, { request: { command: "reload", ...dryRun(args) }, text: reloadText });
  },
};

/** A line for each change, and for each that takes effect only at the next start. */
export function reloadText(result: JsonObject): string {
  const kept = sentences(result.kept).map((sentence) => `not before the next start: ${sentence}`);
  const lines = [...sentences(result.changed), ...kept];
  return lines.length === 0
    ? "nothing has changed\n"
    : lines.map((line) => `${line}${notDone(result)}\n`).join("");
}

function sentences(value: JsonValue | undefined): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
