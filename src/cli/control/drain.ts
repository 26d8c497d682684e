import type { JsonObject } from "../../plugin.ts";
import type { Command } from "../command.ts";
import { CONTROL_FLAGS, controlCall, numberOf } from "./call.ts";
import { ExitCode } from "../exit_codes.ts";
import type { Io } from "../io.ts";
import { countOf, countText } from "../stats/units.ts";

export const drainCommand: Command = {
  name: "drain",
  summary: "Works off what is queued, stops the server, and says how it went.",
  usage: "[flags]",
  details: [
    "The server takes nothing new (21), works off its queues for up to drain_timeout, answers, and ends. Meanwhile " +
    "this tells how much is left. Interrupting this command does not keep the server from stopping.",
    "Exit codes: 0 where all was done; 1 where operations were given up, or the server refuses; 69 where it is not to " +
    "be reached or ends without a word; 64 for a wrong command line.",
  ],
  flags: CONTROL_FLAGS,
  positionals: false,
  examples: ["mevent drain", "mevent drain --json --control /run/mevent/control.sock"],
  async run(args, io) {
    return await controlCall(args, io, {
      request: { command: "drain" },
      onProgress: drainProgress(io),
      text: stoppedText,
      exitCode: stoppedExitCode,
    });
  },
};

/** The report of a server that has stopped, for people. */
export function stoppedText(result: JsonObject): string {
  const done = countOf(numberOf(result, "done"), "operation");
  const plugins = unstopped(result);
  const failed = plugins.length === 0
    ? ""
    : `; ${plugins.join(", ")} did not end as they were to: its log says why`;
  const inJournals = numberOf(result, "kept");
  const kept = inJournals === 0 ? "" : `, ${countText(inJournals)} kept in journals`;
  return `the server has stopped: ${done} done, ${
    countText(numberOf(result, "abandoned"))
  } given up${kept}${failed}\n`;
}

export function stoppedExitCode(result: JsonObject): number {
  return result["abandoned"] === 0 && unstopped(result).length === 0 ? ExitCode.Ok : ExitCode.Failed;
}

/** The plugins whose `stop` failed. */
function unstopped(result: JsonObject): string[] {
  const plugins = result["unstopped"];
  return Array.isArray(plugins) ? plugins.map(String) : [];
}

/** Says on stderr how much is left, as often as that changes. */
function drainProgress({ stderr }: Io): (progress: JsonObject) => void {
  let last = "";
  return (progress) => {
    const paused = Array.isArray(progress["paused"]) ? progress["paused"].map(String).join(", ") : "";
    const line = `${countOf(numberOf(progress, "left"), "operation")} left` +
      (paused === "" ? "" : `; paused and not worked off: ${paused}`);
    if (line === last) return;
    last = line;
    // Where stderr is gone there is nobody to tell.
    stderr.write(`mevent drain: ${line}\n`).catch(() => {});
  };
}
