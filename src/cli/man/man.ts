import type { Command, CommandGroup } from "../command.ts";
import { topics } from "../documents.ts";
import { ExitCode } from "../exit_codes.ts";
import { VERSION } from "../version.ts";
import { manPage } from "./man_page.ts";

/** What the exit codes of all commands mean. */
const EXIT_CODES: readonly (readonly [number, string])[] = [
  [ExitCode.Ok, "It is done."],
  [ExitCode.Failed, "The server answered with an error that none of the others tells."],
  [ExitCode.Usage, "The command line is wrong."],
  [ExitCode.Data, "The input is wrong: text that does not parse, params that a plugin refuses."],
  [
    ExitCode.Unreachable,
    "The server cannot be reached, or does not answer in time; an address cannot be had.",
  ],
  [ExitCode.Internal, "A bug in mevent."],
  [ExitCode.Output, "What is printed cannot be written."],
  [ExitCode.Busy, "The plugin's queue is full: try later."],
  [ExitCode.Config, "The config cannot be used."],
];

/** @param commands all there are, this one among them */
export function manCommand(commands: () => Promise<(Command | CommandGroup)[]>): Command {
  return {
    name: "man",
    summary: "Prints the manual page mevent(1), made of what help tells of all commands.",
    usage: "> mevent.1",
    details: [
      "`man -l mevent.1` shows it; /usr/local/share/man/man1 is a place for it. Its date is today's, or that of SOURCE_DATE_EPOCH where that is set.",
    ],
    flags: [],
    positionals: false,
    examples: ["mevent man > mevent.1"],
    async run(_args, io) {
      const epoch = io.env["SOURCE_DATE_EPOCH"] ?? "";
      const date = (/^\d+$/.test(epoch) ? new Date(Number(epoch) * 1000) : new Date()).toISOString().slice(
        0,
        10,
      );
      const page = manPage(await commands(), {
        version: VERSION,
        date,
        topics: await topics(),
        exitCodes: EXIT_CODES,
      });
      await io.stdout.write(page);
      return ExitCode.Ok;
    },
  };
}
