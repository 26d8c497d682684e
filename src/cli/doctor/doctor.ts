import { NO_FILE } from "../../config/overrides.ts";
import { printable } from "../aligned.ts";
import type { Command } from "../command.ts";
import { configSource } from "../config/source.ts";
import { ExitCode } from "../exit_codes.ts";
import { meantByServer, SERVE_FLAGS, serverOverrides } from "../serve_flags.ts";
import { type Diagnosis, examine, type Level } from "./examine.ts";

const MARKS: Readonly<Record<Level, string>> = { ok: "ok", warning: "warning", error: "ERROR" };

export const doctorCommand: Command = {
  name: "doctor",
  summary: "Looks whether this machine and a config are fit for a server, and says what to do.",
  usage: "[flags]",
  details: [
    "A sentence each on config, limits, memory, clock, disk, ports, sandbox, certificates, libraries and data folder, and what to do where something " +
    "is not as it should be. The config is found, loaded and tried as check does it. As the user that the server runs as it tells most.",
    "Exit codes: 0 where a server would run, with warnings or without; 78 where the config cannot be used; 1 for another error; 64 for a wrong command line.",
  ],
  flags: [...SERVE_FLAGS, { name: "json", help: "Prints JSON instead of text." }],
  positionals: false,
  meant: meantByServer,
  examples: ["mevent doctor", "mevent doctor --config /etc/mevent/mevent.toml --json"],
  async run(args, io) {
    const { file } = configSource(args, io);
    const diagnoses = await examine({ file: file ?? NO_FILE, env: io.env, flags: serverOverrides(args) });
    const worst = worstOf(diagnoses);
    await io.stdout.write(
      args.isOn("json") === true
        ? `${
          JSON.stringify(
            { config: file ?? null, level: worst, checks: diagnoses },
            null,
            io.stdout.isTerminal ? 2 : 0,
          )
        }\n`
        : doctorText(diagnoses, worst),
    );
    if (diagnoses.some(({ about, level }) => about === "config" && level === "error")) return ExitCode.Config;
    return worst === "error" ? ExitCode.Failed : ExitCode.Ok;
  },
};

function worstOf(diagnoses: readonly Diagnosis[]): Level {
  const levels = diagnoses.map(({ level }) => level);
  return levels.includes("error") ? "error" : levels.includes("warning") ? "warning" : "ok";
}

function doctorText(diagnoses: readonly Diagnosis[], worst: Level): string {
  const lines = diagnoses.flatMap(({ about, level, sentence, advice }) => [
    `${MARKS[level].padEnd(8)} ${about.padEnd(13)} ${sentence.split("\n").map(printable).join("\n")}`,
    ...level === "ok" || advice === null ? [] : [`${" ".repeat(23)}-> ${advice}`],
  ]);
  const verdict = {
    ok: "this machine is fit for it",
    warning: "a server would run; look at the warnings",
    error: "a server would not run as it should",
  }[worst];
  return `${[...lines, verdict].join("\n")}\n`;
}
