import type { CommandGroup } from "./command.ts";
import { pluginCheckCommand } from "./plugin_check.ts";
import { pluginListCommand } from "./plugin_list.ts";
import { pluginNewCommand } from "./plugin_new.ts";
import { pluginRunCommand } from "./plugin_run.ts";
import { pluginTestCommand } from "./plugin_test.ts";
import { pluginTypesCommand } from "./plugin_types.ts";

/** What authors of plugins need, without a server of their own. */
export const pluginCommands: CommandGroup = {
  name: "plugin",
  summary: "Makes, checks, tries and tests plugins: mevent help plugin.",
  commands: [
    pluginNewCommand,
    pluginCheckCommand,
    pluginRunCommand,
    pluginTestCommand,
    pluginListCommand,
    pluginTypesCommand,
  ],
};
