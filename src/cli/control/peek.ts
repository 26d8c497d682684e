import { MAX_LISTED } from "../../pool/administration.ts";
import type { Command } from "../command.ts";
import { CONTROL_EXIT_CODES, CONTROL_FLAGS, controlCall, pluginArgument } from "./call.ts";
import { deadTable, operationTable } from "./peek_table.ts";

export const peekCommand: Command = {
  name: "peek",
  summary: "Shows the operations of a plugin that have not ended, or have died.",
  usage: "PLUGIN [flags]",
  details: [
    "What runs stands first, then what is in line in its order, then what waits for its time: retries and delayed " +
    "operations. Params over 1 KiB are cut. Nothing changes by looking.",
    CONTROL_EXIT_CODES,
  ],
  flags: [
    { name: "dead", help: "Shows its dead letters instead: async operations that have failed for good." },
    { name: "limit", value: "N", default: "20", help: `At most so many: 1 to ${MAX_LISTED}.` },
    ...CONTROL_FLAGS,
  ],
  positionals: true,
  examples: ["mevent peek echo", "mevent peek echo --dead --limit 100 --json"],
  async run(args, io) {
    const plugin = pluginArgument(args);
    const limit = args.int("limit", 1, MAX_LISTED);
    const dead = args.isOn("dead") === true;
    return await controlCall(args, io, {
      request: { command: "peek", plugin, limit, dead },
      text: dead ? deadTable : operationTable,
    });
  },
};
