import type { Command } from "../command.ts";
import { controlFailure } from "../control/call.ts";
import { ExitCode } from "../exit_codes.ts";
import type { Io } from "../io.ts";
import type { ParsedCommand } from "../parsed_command.ts";
import { isOfThisMachine, runningServers } from "../running_servers.ts";
import { positiveDuration, serverAddress } from "../server_address.ts";
import { asServerStats, StatsError } from "../stats/report.ts";
import type { OpenStats } from "../stats/source.ts";
import { SOURCE_FLAGS, statsSource } from "../stats/source_flags.ts";
import { lookTwice } from "./look.ts";
import { showTop } from "./show.ts";
import { topScreen } from "./top_screen.ts";

export const topCommand: Command = {
  name: "top",
  summary: "Shows a server in the terminal: its verdict, rates, and plugins, the sick ones first.",
  usage: "[flags]",
  details: [
    "On a terminal q ends it, p holds the picture and lets it go on, and the arrows, PgUp, PgDn, Home and End move through the plugins. Elsewhere, and " +
    "with --once, it looks twice, --interval apart, and prints what it sees as plain text. A server that goes away is waited for.",
    "Exit codes: 0; 69 where the server is not to be reached; 1 where it tells its figures to others; 64 for a wrong command line.",
  ],
  flags: [
    ...SOURCE_FLAGS,
    { name: "once", help: "Prints it once and ends." },
    { name: "interval", value: "TIME", default: "1s", help: "The time between two looks." },
  ],
  positionals: false,
  examples: ["mevent top", "mevent top --once --interval 5s"],
  async run(args, io) {
    const open = await statsSource(args, io);
    const intervalMs = positiveDuration(args, "interval");
    try {
      if (args.isOn("once") === true || !io.stdout.isTerminal || !io.isStdinTerminal) {
        return await showOnce(open, intervalMs, io);
      }
      return await showTop(open, intervalMs, io);
    } catch (error) {
      return await failed(error, args, io);
    }
  },
};

async function showOnce(open: OpenStats, intervalMs: number, io: Io): Promise<number> {
  const source = await open();
  try {
    const looks = await lookTwice(async () => asServerStats(await source.fetch()), intervalMs);
    const view = { from: 0, isHeld: false, rows: Infinity, columns: Infinity, styled: false };
    await io.stdout.write(topScreen(looks, view).map((line) => `${line}\n`).join(""));
    return ExitCode.Ok;
  } finally {
    await source.close();
  }
}

async function failed(error: unknown, args: ParsedCommand, io: Io): Promise<number> {
  const exitCode = error instanceof StatsError ? ExitCode.Failed : controlFailure(error);
  if (exitCode === undefined || !(error instanceof Error)) throw error;
  const isChosen = args.text("control") !== undefined || !isOfThisMachine(serverAddress(args));
  const others = await runningServers(error, "stats", io.env, isChosen);
  await io.stderr.write(`mevent top: ${error.message}\n${others}`);
  return exitCode;
}
