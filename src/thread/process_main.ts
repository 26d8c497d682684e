import { runPluginProcess } from "./process_bridge.ts";

// The entry of a plugin's process, as process_command.ts starts it: main.ts would have Deno load the modules of all commands, too.

const [, ...args] = Deno.args;
await runPluginProcess(args);
Deno.exit(0);
