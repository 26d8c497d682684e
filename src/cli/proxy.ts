import type { Command } from "./command.ts";
import { meantByServer, SERVE_FLAGS } from "./serve_flags.ts";
import { serve } from "./serve.ts";

export const proxyCommand: Command = {
  name: "proxy",
  summary: "Starts the server, and has another one answer for the plugins that it still has.",
  usage: "--forward NAME,NAME=host:port [flags]",
  details: [
    "It is serve, and what comes for the plugins that --forward names is handed to that server as it is, and its replies back. So a " +
    "site moves from the C daemon one plugin at a time: callers have one address, and each plugin is where it runs by now. The same " +
    "stands in a config as forward; what runs here goes first.",
  ],
  flags: SERVE_FLAGS,
  positionals: false,
  meant: meantByServer,
  examples: ["mevent proxy --forward orders,7=127.0.0.1:26001 --listen 127.0.0.1:26000"],
  run: serve,
};
