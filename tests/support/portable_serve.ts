import { loadConfig } from "../../src/config/load.ts";
import { Server } from "../../src/server/server.ts";
import { runUntilStopped, StopSignals } from "../../src/server/stop_signals.ts";
import { testLog } from "./test_log.ts";

// The server with Deno's own sockets, for tests that need it in a process of its own: `portable_serve.ts CONFIG`.

const [file = ""] = Deno.args;
const encoder = new TextEncoder();
const log = testLog("info", (line) => Deno.stderr.writeSync(encoder.encode(line)));
const config = loadConfig({ file, env: {}, flags: {} });
const server = await Server.start({ config, log, version: "test", portableSockets: true });
using signals = new StopSignals();
const stopped = runUntilStopped(server, signals);
Deno.stdout.writeSync(encoder.encode("ready\n"));
await stopped;
