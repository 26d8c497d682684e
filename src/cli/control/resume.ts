import type { Command } from "../command.ts";
import { CONTROL_EXIT_CODES, CONTROL_FLAGS, controlCall, numberOf, pluginArgument } from "./call.ts";
import { countOf } from "../stats/units.ts";

export const resumeCommand: Command = {
  name: "resume",
  summary: "Lets a paused plugin go on.",
  usage: "PLUGIN [flags]",
  details: [CONTROL_EXIT_CODES],
  flags: CONTROL_FLAGS,
  positionals: true,
  examples: ["mevent resume echo"],
  async run(args, io) {
    const plugin = pluginArgument(args);
    return await controlCall(args, io, {
      request: { command: "resume", plugin },
      text: (result) => {
        const held = countOf(numberOf(result, "queued"), "operation");
        const how = result.before === true ? "goes on" : "was not paused";
        return `plugin ${result.plugin} ${how}, with ${held} in its queue\n`;
      },
    });
  },
};
