import type { Command } from "./command.ts";

export const statsCommand: Command = {
  name: "stats",
  summary: "Shows the counters of a running server and of its plugins.",
  usage: "[flags]",
  flags: [
    { name: "host", value: "HOST", default: "127.0.0.1", help: "The server's host." },
    { name: "port", value: "PORT", default: "26000", help: "The server's port." },
    { name: "unix", value: "PATH", help: "The server's Unix socket, instead of host and port." },
    { name: "timeout", value: "TIME", default: "5s", help: "How long to wait for the server." },
    { name: "json", help: "Prints JSON instead of tables." },
    { name: "watch", help: "Shows them again and again, until interrupted." },
    { name: "interval", value: "TIME", default: "1s", help: "With --watch: the time between two looks." },
  ],
  positionals: false,
  examples: [
    "mevent stats",
    "mevent stats --watch --interval 500ms",
    "mevent stats --unix /tmp/mevent.sock --json",
  ],
  run() {
    throw new Error("not wired");
  },
};
