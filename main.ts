import { processIo } from "./src/cli/process_io.ts";
import { run } from "./src/cli/run.ts";

// Not Deno.exit: it would cut off output that is still on its way.
Deno.exitCode = await run(Deno.args, processIo());
