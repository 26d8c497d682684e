import type { Command } from "../command.ts";
import { argumentsOf, CONTROL_EXIT_CODES, CONTROL_FLAGS, controlCall, idArgument } from "./call.ts";

export const cancelCommand: Command = {
  name: "cancel",
  summary: "Takes one operation out of a plugin's queue, or tells it to end.",
  usage: "PLUGIN ID [flags]",
  details: [
    "peek shows the ids. One that waits is gone, its sync caller is answered 14. One that runs has its signal aborted: " +
    "when it ends is up to the plugin, at the latest when its time is over.",
    CONTROL_EXIT_CODES,
  ],
  flags: CONTROL_FLAGS,
  positionals: true,
  examples: ["mevent cancel echo 42"],
  async run(args, io) {
    const [plugin = "", text = ""] = argumentsOf(args.positionals, "PLUGIN", "ID");
    const id = idArgument(text);
    return await controlCall(args, io, {
      request: { command: "cancel", plugin, id },
      text: (result) =>
        result.outcome === "cancelled"
          ? `operation ${id} of plugin ${result.plugin} is cancelled\n`
          : `operation ${id} of plugin ${result.plugin} runs: it has been told to end\n`,
    });
  },
};
