import type { ListedGroup } from "./command.ts";

/** What authors of plugins need, without a server of their own. */
export const PLUGIN_COMMANDS: ListedGroup = {
  name: "plugin",
  summary: "Makes, checks, tries and tests plugins: mevent help plugin.",
  commands: [
    { name: "plugin new", load: async () => (await import("./plugin_new.ts")).pluginNewCommand },
    { name: "plugin check", load: async () => (await import("./plugin_check.ts")).pluginCheckCommand },
    { name: "plugin run", load: async () => (await import("./plugin_run.ts")).pluginRunCommand },
    { name: "plugin test", load: async () => (await import("./plugin_test.ts")).pluginTestCommand },
    { name: "plugin list", load: async () => (await import("./plugin_list.ts")).pluginListCommand },
    { name: "plugin types", load: async () => (await import("./plugin_types.ts")).pluginTypesCommand },
  ],
};
