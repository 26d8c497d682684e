import { lockFolder } from "../../journal/open_store.ts";
import { inspect, repair } from "../../journal/repair.ts";
import { systemFiles } from "../../journal/system_files.ts";
import type { Command } from "../command.ts";
import { ExitCode } from "../exit_codes.ts";
import { DATA_FLAGS, JOURNAL_EXIT_CODES, journalPlace, onJournals } from "./folders.ts";

export const journalRepairCommand: Command = {
  name: "journal repair",
  summary: "Has the damage of a journal passed over: keeps what can be read of it.",
  usage: "PLUGIN [flags]",
  details: [
    "Each damaged file is written anew with the records that can be read; what it was stays beside it, with .damaged at the end of its " +
    "name. Without --yes it tells what it would pass over, and changes nothing. It refuses while a server has the journal open. " +
    "Operations whose end was in a damaged record run again.",
    JOURNAL_EXIT_CODES,
  ],
  flags: [
    { name: "yes", help: "Does it." },
    ...DATA_FLAGS,
    { name: "json", help: "Prints what was done as one JSON object." },
  ],
  positionals: true,
  examples: [
    "mevent journal repair orders --data journals",
    "mevent journal repair orders --data journals --yes",
  ],
  run: (args, io) =>
    onJournals("journal repair", io, async () => {
      const { plugin, folder } = journalPlace(args, io);
      using _lock = lockFolder({ files: systemFiles, request: { folder } });
      const found = inspect(systemFiles, folder, Date.now());
      const damage = found.damages.map(({ path, offset, message }) => ({ path, offset, problem: message }));
      const isDone = args.isOn("yes") === true && damage.length > 0;
      const kept = isDone ? repair(systemFiles, folder, found) : [];
      const lines = [
        ...damage.map(({ problem }) => `damage: ${problem}`),
        ...kept.map((path) => `the damaged file is kept as ${path}`),
        damage.length === 0
          ? `the journal of plugin ${plugin} is not damaged`
          : isDone
          ? `the journal of plugin ${plugin} can be opened again; what was damaged in it is passed over`
          : "nothing was changed: with --yes this is passed over",
      ];
      await io.stdout.write(
        args.isOn("json") === true
          ? `${JSON.stringify({ plugin, folder, damage, repaired: isDone, kept })}\n`
          : lines.map((line) => `${line}\n`).join(""),
      );
      return damage.length > 0 && !isDone ? ExitCode.Data : ExitCode.Ok;
    }),
};
