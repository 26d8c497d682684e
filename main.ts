import { PLUGIN_PROCESS } from "./src/thread/process_command.ts";

// Imported as needed: a plugin's process carries nothing of the commands.
if (Deno.args[0] === PLUGIN_PROCESS) await import("./src/thread/process_main.ts");
const [{ run }, { processIo }, { trustSystem }] = await Promise.all([
  import("./src/cli/run.ts"),
  import("./src/cli/process_io.ts"),
  import("./src/cli/trust_system.ts"),
]);
trustSystem();
// All output has been awaited by now; a thread that a plugin keeps busy, or a write that nobody reads, is to keep no
// process alive.
Deno.exit(await run(Deno.args, processIo()));
