import { Client } from "../client/client.ts";
import { clientFailure } from "./client_failure.ts";
import type { Command } from "./command.ts";
import { ExitCode } from "./exit_codes.ts";
import type { Io } from "./io.ts";
import { MAX_FRAME_BYTES, positiveDuration, serverAddress } from "./server_address.ts";
import { asServerStats, fetchStats, StatsError } from "./stats_report.ts";
import { statsTable } from "./stats_table.ts";
import { type StatsWatch, watchStats } from "./stats_watch.ts";
import { UsageError } from "./usage_error.ts";

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
  async run(args, io) {
    const watch = {
      address: serverAddress(args),
      timeoutMs: positiveDuration(args, "timeout"),
      intervalMs: positiveDuration(args, "interval"),
      json: args.isOn("json") === true,
    };
    const isWatch = args.isOn("watch") === true;
    if (!isWatch && args.texts("interval").length > 0) throw new UsageError("--interval needs --watch");
    try {
      return isWatch ? await watchStats(watch, io) : await showOnce(watch, io);
    } catch (error) {
      const exitCode = error instanceof StatsError ? ExitCode.Failed : clientFailure(error);
      if (exitCode === undefined || !(error instanceof Error)) throw error;
      await io.stderr.write(`mevent stats: ${error.message}\n`);
      return exitCode;
    }
  },
};

async function showOnce({ address, timeoutMs, json }: StatsWatch, io: Io): Promise<number> {
  await using client = await Client.connect(address, { timeoutMs, maxFrame: MAX_FRAME_BYTES });
  const value = await fetchStats(client);
  const indent = io.stdout.isTerminal ? 2 : 0;
  await io.stdout.write(
    json ? `${JSON.stringify(value, null, indent)}\n` : statsTable(asServerStats(value), false),
  );
  return ExitCode.Ok;
}
