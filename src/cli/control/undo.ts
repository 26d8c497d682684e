import type { Command } from "../command.ts";
import {
  argumentsOf,
  CONTROL_EXIT_CODES,
  CONTROL_FLAGS,
  controlCall,
  DRY_RUN,
  dryRun,
  notDone,
  numberOf,
} from "./call.ts";
import { countOf, countText } from "../stats/units.ts";

export const undoCommand: Command = {
  name: "undo",
  summary: "Puts back the dead letters that a purge of failures has dropped.",
  usage: "FILE [flags]",
  details: [
    "FILE is the name that the purge has told: it lies in .undo of the server's data folder. Those that are there already are not put back " +
    "twice; those that find no room stay in the file.",
    CONTROL_EXIT_CODES,
  ],
  flags: [DRY_RUN, ...CONTROL_FLAGS],
  positionals: true,
  examples: ["mevent undo purge-2026-01-31T12-00-00-000Z-0123abcd.ndjson"],
  async run(args, io) {
    const [undo = ""] = argumentsOf(args.positionals, "FILE");
    return await controlCall(args, io, {
      request: { command: "undo", undo, ...dryRun(args) },
      text: (result) => {
        const back = countOf(numberOf(result, "count"), "dead letter");
        const there = countText(numberOf(result, "already_there"));
        const left = countText(numberOf(result, "left"));
        return `${back} back, ${there} there already, ${left} left in the file${notDone(result)}\n`;
      },
    });
  },
};
