import { printable } from "../aligned.ts";
import type { Command, CommandGroup } from "../command.ts";
import { topics } from "../documents.ts";
import { ExitCode } from "../exit_codes.ts";
import { UsageError } from "../usage_error.ts";
import { complete } from "./complete.ts";
import { pluginsThere } from "./plugins_there.ts";
import { SCRIPTS, SHELLS } from "./scripts.ts";

/** What the scripts ask by. */
const WORDS = "words";

/** @param commands all there are, this one among them */
export function completionsCommand(commands: () => Promise<(Command | CommandGroup)[]>): Command {
  return {
    name: "completions",
    summary: "Prints what makes a shell complete mevent's commands, flags and plugins.",
    usage: "SHELL",
    details: [
      "SHELL is bash, zsh or fish. Commands and flags are those of this mevent; names of plugins come from the server that the command line is " +
      "for, where one answers within 0.3 s.",
      "bash: `source <(mevent completions bash)` in ~/.bashrc, or the output as /usr/share/bash-completion/completions/mevent. zsh: the output as " +
      "_mevent in a folder of $fpath. fish: the output as ~/.config/fish/completions/mevent.fish.",
      "Scripts of other shells may ask as these do: `mevent completions words -- WORDS…` prints none, files or folders, then a line for each word " +
      "that may stand in place of the last of the words, its help behind a tab.",
    ],
    flags: [],
    positionals: true,
    examples: ["mevent completions bash", "mevent completions words -- send --"],
    async run({ positionals: [shell, ...words] }, io) {
      if (shell === WORDS) {
        const { candidates, files } = await complete(words, {
          commands,
          topics: async () => (await topics()).map(({ name, title }) => ({ word: name, help: title })),
          plugins: (command, flags) => pluginsThere(command, flags, io),
        });
        const lines = candidates.map(({ word, help }) => `${printable(word)}\t${printable(help)}`);
        await io.stdout.write([files, ...lines].map((line) => `${line}\n`).join(""));
        return ExitCode.Ok;
      }
      const known = SHELLS.find((each) => each === shell);
      if (known === undefined || words.length > 0) {
        throw new UsageError(`completions takes one shell: ${SHELLS.join(", ")}`);
      }
      await io.stdout.write(SCRIPTS[known]);
      return ExitCode.Ok;
    },
  };
}
