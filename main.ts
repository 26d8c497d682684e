import { PLUGIN_PROCESS } from "./src/worker/process_command.ts";

const [first, ...others] = Deno.args;
// Imported as needed: a plugin's process carries nothing of the commands.
if (first === PLUGIN_PROCESS) {
  const { runPluginProcess } = await import("./src/worker/process_bridge.ts");
  await runPluginProcess(others);
  Deno.exit(0);
}
const [{ run }, { processIo }, { trustSystem }] = await Promise.all([
  import("./src/cli/run.ts"),
  import("./src/cli/process_io.ts"),
  import("./src/cli/trust_system.ts"),
]);
trustSystem();
// All output has been awaited by now; a thread that a plugin keeps busy, or a write that nobody reads, is to keep no
// process alive.
Deno.exit(await run(Deno.args, processIo()));
