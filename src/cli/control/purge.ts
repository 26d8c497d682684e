import type { Command } from "../command.ts";
import type { Io } from "../io.ts";
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
import { ExitCode } from "../exit_codes.ts";
import { countOf } from "../stats/units.ts";
import { UsageError } from "../usage_error.ts";

/** An answer has no more bytes than this. */
const MAX_ANSWER_BYTES = 64;

export const purgeCommand: Command = {
  name: "purge",
  summary: "Drops what a plugin has not begun, or its dead letters.",
  usage: "PLUGIN [ID] [flags]",
  details: [
    "Sync callers of dropped operations are answered 14. What runs goes on. Dropped operations are gone for good; on a " +
    "terminal you are asked first. An ID is for one dead letter, as peek --dead shows it; cancel takes one operation out of the queue.",
    CONTROL_EXIT_CODES,
  ],
  flags: [
    { name: "dead", help: "Drops its dead letters instead, or the one with the ID." },
    { name: "yes", short: "y", help: "Does not ask first; needed where there is no terminal." },
    DRY_RUN,
    ...CONTROL_FLAGS,
  ],
  positionals: true,
  examples: [
    "mevent purge echo --yes",
    "mevent purge echo --dead --yes --json",
    "mevent purge echo 42 --dead --yes",
  ],
  async run(args, io) {
    const { plugin, id } = pluginAndId(args);
    const dead = args.isOn("dead") === true;
    if (id !== undefined && !dead) {
      throw new UsageError(
        "an ID is for one dead letter, with --dead; cancel takes one operation out of the queue",
      );
    }
    const what = dead ? "dead letter" : "operation";
    if (args.isOn("yes") === undefined && args.isOn("dry-run") !== true) {
      if (!io.isStdinTerminal) throw new UsageError("nobody can be asked here: give --yes");
      const question = id !== undefined
        ? `Drop dead letter ${id} of plugin ${plugin}?`
        : dead
        ? `Drop all dead letters of plugin ${plugin}?`
        : `Drop all operations of plugin ${plugin} that have not begun?`;
      if (!await confirm(question, io)) {
        await io.stderr.write("mevent purge: nothing was dropped\n");
        return ExitCode.Failed;
      }
    }
    return await controlCall(args, io, {
      request: { command: "purge", plugin, dead, ...id === undefined ? {} : { id }, ...dryRun(args) },
      text: (result) => {
        const left = numberOf(result, "running");
        const running = dead || left === 0 ? "" : `; ${countOf(left, "operation")} in flight may end`;
        return `plugin ${result.plugin}: dropped ${countOf(numberOf(result, "purged"), what)}${running}${
          notDone(result)
        }\n`;
      },
    });
  },
};

/** Asks on the terminal; only `y` and `yes` mean it. */
async function confirm(question: string, { stderr, stdin }: Io): Promise<boolean> {
  await stderr.write(`${question} [y/N] `);
  const reader = stdin.getReader();
  const decoder = new TextDecoder();
  let answer = "";
  try {
    while (!answer.includes("\n") && answer.length < MAX_ANSWER_BYTES) {
      const { done, value } = await reader.read();
      if (done) break;
      answer += decoder.decode(value, { stream: true });
    }
  } finally {
    reader.releaseLock();
  }
  return /^\s*y(es)?\s*$/i.test(answer);
}
