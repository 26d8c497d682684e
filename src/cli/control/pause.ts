import type { Command } from "../command.ts";
import { CONTROL_EXIT_CODES, CONTROL_FLAGS, controlCall, numberOf, pluginArgument } from "./call.ts";
import { countOf } from "../stats/units.ts";

export const pauseCommand: Command = {
  name: "pause",
  summary: "Holds a plugin up: it accepts operations and runs none.",
  usage: "PLUGIN [flags]",
  details: [
    "What runs goes on; what waits stays in the queue, which fills up and then answers 21. Resume before you stop or " +
    "drain the server: it waits for no plugin that is paused, and gives up what waits there.",
    CONTROL_EXIT_CODES,
  ],
  flags: CONTROL_FLAGS,
  positionals: true,
  examples: ["mevent pause echo", "mevent pause 3 --control /run/mevent/control.sock"],
  async run(args, io) {
    const plugin = pluginArgument(args);
    return await controlCall(args, io, {
      request: { command: "pause", plugin },
      text: (result) => {
        const held = countOf(numberOf(result, "queued"), "operation");
        const how = result.before === true ? "was paused before" : "is paused";
        return `plugin ${result.plugin} ${how}, with ${held} in its queue\n`;
      },
    });
  },
};
