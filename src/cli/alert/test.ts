import type { JsonObject } from "../../plugin.ts";
import { printable } from "../aligned.ts";
import type { Command } from "../command.ts";
import { CONTROL_FLAGS, controlCall } from "../control/call.ts";
import { isObject } from "../control/client.ts";
import { ExitCode } from "../exit_codes.ts";
import { UsageError } from "../usage_error.ts";

export const alertTestCommand: Command = {
  name: "alert test",
  summary: "Sends a test to those who are told of alerts, and says what has come of it.",
  usage: "[RECEIVER] [flags]",
  details: [
    "The server sends it, once to each receiver of its config, or to the one of that name.",
    "Exit codes: 0 where all have got it; 1 where one has not, or the server refuses; 69 where it is not to be reached; 64 for a " +
    "wrong command line.",
  ],
  flags: CONTROL_FLAGS,
  positionals: true,
  examples: ["mevent alert test", "mevent alert test ops --json"],
  run(args, io) {
    const [receiver = null, unexpected] = args.positionals;
    if (unexpected !== undefined) throw new UsageError(`unexpected argument ${JSON.stringify(unexpected)}`);
    return controlCall(args, io, {
      request: { command: "alert-test", receiver },
      text: (result) => testsOf(result).map(testText).join(""),
      exitCode: (result) =>
        testsOf(result).every(({ problem }) => problem === null) ? ExitCode.Ok : ExitCode.Failed,
    });
  },
};

function testsOf({ tests }: JsonObject): readonly JsonObject[] {
  return Array.isArray(tests) ? tests.filter(isObject) : [];
}

function testText({ receiver, to, problem, ms }: JsonObject): string {
  const what = problem === null ? `has got it, in ${ms} ms` : `has not got it: ${printable(String(problem))}`;
  return `${receiver} (${to}) ${what}\n`;
}
