import { inspect, type Inspection } from "../../journal/repair.ts";
import { RecordKind } from "../../journal/record_layout.ts";
import { systemFiles } from "../../journal/system_files.ts";
import { aligned, printable } from "../aligned.ts";
import type { Command } from "../command.ts";
import { ExitCode } from "../exit_codes.ts";
import { DATA_FLAGS, JOURNAL_EXIT_CODES, type JournalPlace, journalPlaces, onJournals } from "./folders.ts";

const MAX_TRIES = 5;

export const journalCheckCommand: Command = {
  name: "journal check",
  summary: "Reads the journals of plugins whole, and tells what is in them and what is damaged.",
  usage: "[PLUGIN …] [flags]",
  details: [
    "Without a plugin it reads all journals that are there. It changes nothing. While a server has a journal open, what is being " +
    "written at the moment may look torn.",
    JOURNAL_EXIT_CODES,
  ],
  flags: [...DATA_FLAGS, { name: "json", help: "Prints JSON instead of tables." }],
  positionals: true,
  examples: ["mevent journal check --data journals", "mevent journal check orders --data journals --json"],
  run: (args, io) =>
    onJournals("journal check", io, async () => {
      const reports = journalPlaces(args, io).map(report);
      await io.stdout.write(
        args.isOn("json") === true
          ? `${JSON.stringify({ journals: reports }, null, io.stdout.isTerminal ? 2 : 0)}\n`
          : reports.length === 0
          ? "there is no journal\n"
          : reports.map(reportText).join("\n"),
      );
      return reports.some(({ damage }) => damage.length > 0) ? ExitCode.Data : ExitCode.Ok;
    }),
};

/** What is told of a journal. */
interface Report {
  readonly plugin: string;
  readonly folder: string;
  readonly files: readonly {
    readonly path: string;
    readonly records: number;
    readonly bytes: number;
    readonly live_bytes: number;
  }[];
  readonly operations: number;
  readonly dead: number;
  readonly remembered: number;
  /** What was being written when the server ended; the next start passes it over by itself. */
  readonly tail: Inspection["tail"];
  readonly damage: readonly {
    readonly path: string | null;
    readonly offset: number;
    readonly problem: string;
  }[];
}

function report({ plugin, folder }: JournalPlace): Report {
  const { log, tail, damages } = inspectBeside(folder);
  return {
    plugin,
    folder,
    files: log.files.map(({ path, records, diskBytes, liveBytes }) => {
      return { path, records, bytes: diskBytes, live_bytes: liveBytes };
    }),
    operations: log.counts[RecordKind.Accepted]!,
    dead: log.counts[RecordKind.Buried]!,
    remembered: log.counts[RecordKind.Remembered]!,
    tail,
    damage: damages.map(({ path, offset, message }) => ({ path, offset, problem: message })),
  };
}

/** A server that has it open may remove a file while it is read: then it is read anew. */
function inspectBeside(folder: string): Inspection {
  for (let tries = 1;; tries++) {
    try {
      return inspect(systemFiles, folder, Date.now());
    } catch (error) {
      if (tries === MAX_TRIES || !(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}

function reportText({ plugin, files, operations, dead, remembered, tail, damage }: Report): string {
  const rows = files.map(({ path, records, bytes, live_bytes }) => {
    return [path, String(records), String(bytes), String(live_bytes)];
  });
  const lines = [
    `plugin ${
      printable(plugin)
    }: operations ${operations}, dead letters ${dead}, remembered replies ${remembered}`,
    ...aligned([["file", "records", "bytes", "alive"], ...rows]),
    ...tail === null
      ? []
      : [`torn: ${tail.path} from byte ${tail.offset} on, ${tail.bytes} bytes: nobody was told of them`],
    ...damage.length === 0 ? ["no damage"] : damage.map(({ problem }) => `damage: ${problem}`),
  ];
  return lines.map((line) => `${line}\n`).join("");
}
