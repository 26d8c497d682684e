import { processIo } from "./src/cli/process_io.ts";
import { run } from "./src/cli/run.ts";

// All output has been awaited by now; a thread that a plugin keeps busy, or a write that nobody reads, is to keep no
// process alive.
Deno.exit(await run(Deno.args, processIo()));
