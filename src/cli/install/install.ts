import type { Command } from "../command.ts";
import { exampleConfig } from "../documents.ts";
import { ExitCode } from "../exit_codes.ts";
import type { Io } from "../io.ts";
import { UsageError } from "../usage_error.ts";
import { InstallError, putService, removeService, type ServicePlaces, systemctl } from "./service_files.ts";
import { SERVICE, systemdUnit } from "./unit.ts";

export const installCommand: Command = {
  name: "install",
  summary: "Sets up the server as a service of systemd, or shows what it would do.",
  usage: "--systemd [--apply] [--uninstall] [flags]",
  details: [
    "Without --apply it prints the unit, and on stderr what --apply would do: copy this executable to --bin, write the unit and, where there is " +
    "none, a config with every key at its default, then have systemd start the service, now and after each boot. What is there already is " +
    "replaced, but never the config.",
    "The service runs as a user of its own that exists only while it does, may write to nothing but /var/lib/mevent and /run/mevent, and is steered by " +
    "root: `mevent stop --control /run/mevent/control.sock`. What it is to may beside that stands in drop-ins: `systemctl edit mevent`.",
    "With --uninstall the service is stopped and its unit and executable are removed; config and data stay.",
    "Exit codes: 0 where it is done; 64 for a wrong command line; 69 where systemd is not there or does not do it; 74 where a file cannot be written.",
  ],
  flags: [
    { name: "systemd", help: "As a service of systemd, which is the one kind there is." },
    { name: "apply", help: "Does it; root may." },
    { name: "uninstall", help: "Takes the service away instead." },
    { name: "bin", value: "PATH", default: "/usr/local/bin/mevent", help: "Where the executable is put." },
    { name: "config", value: "FILE", default: "/etc/mevent/mevent.toml", help: "The service's config." },
    {
      name: "root",
      value: "FOLDER",
      default: "/",
      help: "Writes below this folder and leaves systemd alone: for images and packages.",
    },
  ],
  positionals: false,
  examples: [
    "mevent install --systemd",
    "mevent install --systemd --apply",
    "mevent install --systemd --uninstall --apply",
  ],
  async run(args, io) {
    if (args.isOn("systemd") === undefined) throw new UsageError("say which kind of service: --systemd");
    const [executable, config, root] = ["bin", "config", "root"].map((name) =>
      absolute(name, args.required(name))
    ) as [
      string,
      string,
      string,
    ];
    const places: ServicePlaces = { executable, config, root };
    const isApplied = args.isOn("apply") === true;
    try {
      return args.isOn("uninstall") === true
        ? await uninstall(places, isApplied, io)
        : await install(places, isApplied, io);
    } catch (error) {
      if (!(error instanceof InstallError)) throw error;
      await io.stderr.write(`mevent install: ${error.message}\n`);
      return error.kind === "systemd" ? ExitCode.Unreachable : ExitCode.Output;
    }
  },
};

function absolute(name: string, path: string): string {
  // As it stands in the unit: systemd splits at spaces, and reads %.
  if (/^\/[\w./@+,:-]*$/.test(path)) return path;
  throw new UsageError(
    `--${name}: expected an absolute path of letters, digits and . / _ @ + , : -, got ${
      JSON.stringify(path)
    }`,
  );
}

async function install(places: ServicePlaces, isApplied: boolean, io: Io): Promise<number> {
  const unit = systemdUnit(places);
  if (!isApplied) {
    await io.stdout.write(unit);
    const steps = await putService(places, unit, await exampleConfig(), true);
    await io.stderr.write(said(steps, "would be"));
    await io.stderr.write("mevent install: nothing was done; --apply does it\n");
    return ExitCode.Ok;
  }
  await io.stdout.write(said(await putService(places, unit, await exampleConfig(), false), "is"));
  if (places.root !== "/") return ExitCode.Ok;
  await systemctl("daemon-reload");
  await systemctl("enable", `${SERVICE}.service`);
  await systemctl("restart", `${SERVICE}.service`);
  await io.stdout.write(`the service runs: systemctl status ${SERVICE}, journalctl -u ${SERVICE}\n`);
  return ExitCode.Ok;
}

async function uninstall(places: ServicePlaces, isApplied: boolean, io: Io): Promise<number> {
  const isOwn = places.root === "/";
  if (isApplied && isOwn) await systemctl("disable", "--now", `${SERVICE}.service`);
  const steps = said(await removeService(places, !isApplied), isApplied ? "is" : "would be");
  await io.stdout.write(steps);
  if (isApplied && isOwn) await systemctl("daemon-reload");
  if (!isApplied) await io.stderr.write("mevent install: nothing was done; --apply does it\n");
  return ExitCode.Ok;
}

function said(steps: readonly (readonly [path: string, what: string])[], how: string): string {
  return steps.map(([path, what]) => `${path} ${how} ${what}\n`).join("");
}
