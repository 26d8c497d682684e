import { PLUGIN_PROCESS } from "./src/worker/process_command.ts";

// Read by Deno when it first meets a certificate, in any thread: those that the system trusts are trusted, too.
if (!Deno.env.has("DENO_TLS_CA_STORE")) Deno.env.set("DENO_TLS_CA_STORE", "mozilla,system");

const [first, ...others] = Deno.args;
// Imported as needed: a plugin's process carries nothing of the commands.
if (first === PLUGIN_PROCESS) {
  const { runPluginProcess } = await import("./src/worker/process_bridge.ts");
  await runPluginProcess(others);
  Deno.exit(0);
}
const [{ run }, { processIo }] = await Promise.all([
  import("./src/cli/run.ts"),
  import("./src/cli/process_io.ts"),
]);
// All output has been awaited by now; a thread that a plugin keeps busy, or a write that nobody reads, is to keep no
// process alive.
Deno.exit(await run(Deno.args, processIo()));
