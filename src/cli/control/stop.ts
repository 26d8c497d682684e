import type { Command } from "../command.ts";
import { CONTROL_FLAGS, controlCall, numberOf } from "./call.ts";
import { stoppedExitCode, stoppedText } from "./drain.ts";
import { ExitCode } from "../exit_codes.ts";
import { countOf, microsecondsText } from "../stats/units.ts";

export const stopCommand: Command = {
  name: "stop",
  summary: "Tells the server to stop, as TERM does; drain waits until it has.",
  usage: "[flags]",
  details: [
    "The server takes nothing new, works off its queues for up to drain_timeout, and ends; this command does not wait " +
    "for that. With --now it gives up what is not done, and this command says how much that was.",
    "Exit codes: 0 where it is told; with --now 1 where operations were given up; 1 where the server refuses; 69 where " +
    "it is not to be reached; 64 for a wrong command line.",
  ],
  flags: [
    { name: "now", help: "Stops it at once, as a second TERM does." },
    ...CONTROL_FLAGS,
  ],
  positionals: false,
  examples: ["mevent stop", "mevent stop --now"],
  async run(args, io) {
    const now = args.isOn("now") === true;
    return await controlCall(args, io, {
      request: { command: "stop", now },
      text: (result) => {
        if (now) return stoppedText(result);
        const limit = microsecondsText(numberOf(result, "drain_timeout_ms") * 1000);
        return `the server stops: ${
          countOf(numberOf(result, "left"), "operation")
        } left, for up to ${limit}\n`;
      },
      exitCode: (result) => now ? stoppedExitCode(result) : ExitCode.Ok,
    });
  },
};
