import { MAX_RETRIED } from "../../control/control_commands.ts";
import type { Command } from "../command.ts";
import {
  CONTROL_EXIT_CODES,
  CONTROL_FLAGS,
  controlCall,
  DRY_RUN,
  dryRun,
  notDone,
  numberOf,
  pluginAndId,
} from "./call.ts";
import { countOf, countText } from "../stats/units.ts";
import { UsageError } from "../usage_error.ts";

export const retryDeadCommand: Command = {
  name: "retry-dead",
  summary: "Puts the dead letters of a plugin back into its queue.",
  usage: "PLUGIN [ID] [flags]",
  details: [
    "The oldest go first, as many as the queue has room for; with an ID, which peek --dead shows, that one alone. Each is an " +
    "operation accepted anew, with all its attempts.",
    CONTROL_EXIT_CODES,
  ],
  flags: [
    {
      name: "limit",
      value: "N",
      default: String(MAX_RETRIED),
      help: `At most so many: 1 to ${MAX_RETRIED}.`,
    },
    DRY_RUN,
    ...CONTROL_FLAGS,
  ],
  positionals: true,
  examples: ["mevent retry-dead echo", "mevent retry-dead echo --limit 1", "mevent retry-dead echo 42"],
  async run(args, io) {
    const { plugin, id } = pluginAndId(args);
    const limit = args.int("limit", 1, MAX_RETRIED);
    if (id !== undefined && args.texts("limit").length > 0) {
      throw new UsageError("--limit is not for the one dead letter of an ID");
    }
    return await controlCall(args, io, {
      request: { command: "retry-dead", plugin, ...id === undefined ? { limit } : { id }, ...dryRun(args) },
      text: (result) => {
        const retried = countOf(numberOf(result, "retried"), "dead letter");
        const left = countText(numberOf(result, "left"));
        return `plugin ${result.plugin}: ${retried} back in the queue, ${left} left${notDone(result)}\n`;
      },
    });
  },
};
