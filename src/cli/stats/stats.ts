import { prometheusText } from "../../observe/prometheus.ts";
import type { JsonValue } from "../../plugin.ts";
import type { Command } from "../command.ts";
import { controlFailure } from "../control/call.ts";
import { ExitCode } from "../exit_codes.ts";
import type { Io } from "../io.ts";
import { isOfThisMachine, runningServers } from "../running_servers.ts";
import { positiveDuration, serverAddress } from "../server_address.ts";
import { asServerStats, StatsError } from "./report.ts";
import { SOURCE_FLAGS, statsSource } from "./source_flags.ts";
import { statsTable } from "./table.ts";
import { type StatsWatch, watchStats } from "./watch.ts";
import { UsageError } from "../usage_error.ts";

export const statsCommand: Command = {
  name: "stats",
  summary: "Shows the counters of a running server and of its plugins.",
  usage: "[flags]",
  flags: [
    ...SOURCE_FLAGS,
    { name: "json", help: "Prints JSON instead of tables." },
    { name: "prometheus", help: "Prints the text format of Prometheus instead of tables." },
    { name: "watch", help: "Shows them again and again, until interrupted." },
    { name: "interval", value: "TIME", default: "1s", help: "With --watch: the time between two looks." },
  ],
  positionals: false,
  examples: [
    "mevent stats",
    "mevent stats --watch --interval 500ms",
    "mevent stats --unix /tmp/mevent.sock --json",
    "mevent stats --prometheus",
  ],
  async run(args, io) {
    const watch = {
      open: await statsSource(args, io),
      intervalMs: positiveDuration(args, "interval"),
      json: args.isOn("json") === true,
    };
    const isWatch = args.isOn("watch") === true;
    const isPrometheus = args.isOn("prometheus") === true;
    if (isPrometheus && (isWatch || watch.json)) {
      throw new UsageError("--prometheus goes neither with --json nor with --watch");
    }
    if (!isWatch && args.texts("interval").length > 0) throw new UsageError("--interval needs --watch");
    try {
      return isWatch ? await watchStats(watch, io) : await showOnce(watch, isPrometheus, io);
    } catch (error) {
      const exitCode = error instanceof StatsError ? ExitCode.Failed : controlFailure(error);
      if (exitCode === undefined || !(error instanceof Error)) throw error;
      const isChosen = args.text("control") !== undefined || !isOfThisMachine(serverAddress(args));
      const others = await runningServers(error, "stats", io.env, isChosen);
      await io.stderr.write(`mevent stats: ${error.message}\n${others}`);
      return exitCode;
    }
  },
};

async function showOnce({ open, json }: StatsWatch, isPrometheus: boolean, io: Io): Promise<number> {
  const source = await open();
  let value: JsonValue;
  try {
    value = await source.fetch();
  } finally {
    await source.close();
  }
  const indent = io.stdout.isTerminal ? 2 : 0;
  await io.stdout.write(
    isPrometheus
      ? prometheusText(asServerStats(value))
      : json
      ? `${JSON.stringify(value, null, indent)}\n`
      : statsTable(asServerStats(value), false),
  );
  return ExitCode.Ok;
}
