import { benchCapacity } from "./capacity.ts";
import { benchJob } from "./job.ts";
import { benchLoad } from "./load.ts";
import { UnknownPluginError } from "./queue_watch.ts";
import { clientFailure } from "../client_failure.ts";
import type { Command } from "../command.ts";
import { ExitCode } from "../exit_codes.ts";
import { InputError } from "../send/input.ts";
import { positiveDuration, SERVER_FLAGS } from "../server_address.ts";
import { StatsError } from "../stats/report.ts";
import { UsageError } from "../usage_error.ts";

const MAX_RATE = 1_000_000_000;

export const benchCommand: Command = {
  name: "bench",
  summary: "Measures a running server, and says how long it absorbs a burst.",
  usage: "[flags] [key=value | key:=json …]",
  details: [
    "Keeps --depth requests unanswered on each of --conns connections, sends the next one for each reply, and prints " +
    "how many were answered with what, and how long that took. The same request goes out again and again: --size " +
    "bytes of HDF or JSON, or the params that the arguments spell, as with send. With --mode async a reply says that " +
    "the operation was queued. Interrupting it prints what there is so far. With --tls or a token it uses Deno's sockets, with which it " +
    "can load a server less.",
    "With --capacity it measures the intake (async, each operation acknowledged), the work-off and the bytes of a " +
    "queued operation, and tells for bursts of several rates, or of --rate, after what time the server answers BUSY, " +
    "with the plugin working and with it dead; for a plugin with a journal also by what the disk takes. It fills at most half of the queue, and at most what the plugin works " +
    "off in half of --wait, and waits until that is done. The operations are real: the plugin runs each.",
    "Exit codes: those of send --count; with --capacity 1 also where its operations were not worked off in time.",
  ],
  flags: [
    { name: "plugin", value: "NAME|BIZ", default: "echo", help: "The plugin: its name or business number." },
    { name: "cmd", value: "NUMBER", default: "1002", help: "The command: 1 to 65535." },
    { name: "mode", value: "sync|async", help: "Whether a reply is the result or says that it was queued." },
    { name: "conns", value: "N", default: "50", help: "Connections: 1 to 10000." },
    { name: "depth", value: "N", default: "16", help: "Requests unanswered on each: 1 to 4096." },
    { name: "size", value: "BYTES", default: "100", help: "Bytes of the params' text: 16 to 16777216." },
    { name: "encoding", value: "hdf|json", default: "hdf", help: "How the params are written." },
    { name: "seconds", value: "N", default: "5", help: "For how long: 1 to 86400." },
    { name: "count", value: "N", help: "Ends after so many requests." },
    ...SERVER_FLAGS,
    { name: "timeout", value: "TIME", default: "5s", help: "Gives up after no reply at all for so long." },
    { name: "capacity", help: "Plans capacity instead." },
    { name: "rate", value: "N", help: "With --capacity: the burst's operations a second." },
    {
      name: "wait",
      value: "TIME",
      default: "30s",
      help: "With --capacity: how long its operations may take to be worked off.",
    },
    { name: "json", help: "Prints one JSON object instead of tables." },
  ],
  positionals: true,
  examples: [
    "mevent bench --seconds 3",
    "mevent bench --plugin echo --cmd 1001 --conns 1 --depth 1 --encoding json",
    "mevent bench --plugin 3 --cmd 1003 --mode async --count 1000 ms:=10",
    "mevent bench --capacity --plugin echo --cmd 1003 --rate 50000 ms:=10",
  ],
  async run(args, io) {
    const isCapacity = args.isOn("capacity") === true;
    for (const name of ["rate", "wait"]) {
      if (!isCapacity && args.texts(name).length > 0) throw new UsageError(`--${name} needs --capacity`);
    }
    if (isCapacity && args.text("mode") === "sync") {
      throw new UsageError("--capacity measures with --mode async");
    }
    try {
      const job = await benchJob(args, io, isCapacity);
      if (!isCapacity) return await benchLoad(job, io);
      const rate = args.text("rate") === undefined ? undefined : args.int("rate", 1, MAX_RATE);
      return await benchCapacity({ ...job, rate, waitMs: positiveDuration(args, "wait") }, io);
    } catch (error) {
      const exitCode = error instanceof InputError || error instanceof UnknownPluginError
        ? ExitCode.Data
        : error instanceof StatsError
        ? ExitCode.Failed
        : clientFailure(error);
      if (exitCode === undefined || !(error instanceof Error)) throw error;
      await io.stderr.write(`mevent bench: ${error.message}\n`);
      return exitCode;
    }
  },
};
