import type { Command, PluginFactory, PluginSettings } from "mevent/plugin";
import { Runner } from "./exec/runner.ts";
import { execSettings } from "./exec/settings.ts";
import { requirePermissions } from "./permissions.ts";

/** Runs operations in a long-lived child process in any language, JSON lines on its stdin and stdout. */
export default (({ name, config }) => {
  const settings = execSettings(config);
  let runner: Runner | null = null;
  const commands: Record<number, Command> = {};
  for (const [number, command] of settings.commands) {
    commands[number] = { ...command, run: (context) => runner!.run(context, command.name) };
  }
  return {
    name,
    description: `runs ${settings.program} as a child process`,
    concurrency: settings.concurrency,
    commands,
    async start(context) {
      runner = new Runner(settings, context);
      await runner.start();
    },
    health: () => runner!.health(),
    stop: () => runner!.stop(),
  };
}) satisfies PluginFactory;

/** Throws where the program is not granted. */
export function checkGrants({ config }: PluginSettings): void {
  const { program } = execSettings(config);
  requirePermissions(`${program} cannot be run`, { name: "run", command: program });
}
