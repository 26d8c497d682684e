import { clientFailure } from "../client_failure.ts";
import type { Command } from "../command.ts";
import { ExitCode } from "../exit_codes.ts";
import { OPERATION_FLAGS, sendBody } from "./body.ts";
import { InputError } from "./input.ts";
import { sendMany } from "./many.ts";
import { sendOnce } from "./once.ts";
import { positiveDuration, SERVER_FLAGS, serverTarget } from "../server_address.ts";
import { UsageError } from "../usage_error.ts";

const MAX_COUNT = 1_000_000_000;
/** Calls under way at once; one connection may have 65,536, and there are up to 64. */
const MAX_CALLERS = 65_536;

export const sendCommand: Command = {
  name: "send",
  summary: "Sends a request to a plugin and prints its reply.",
  usage: "--biz NUMBER|NAME --cmd NUMBER [flags] [key=value | key:=json …]",
  details: [
    "The reply's JSON goes to stdout, its code and time to stderr; characters that nobody sees, as a byte order mark, are " +
    "escaped in JSON and told of on stderr. Params come from one of --json, --hdf and the " +
    "arguments: key=value sends the value as text, key:=value as the JSON that it spells (uid:=7).",
    "With --count it prints a summary instead: how many replies of each code, and how long they took. Up to 64 " +
    "connections are shared by the callers. Interrupting it prints what there is so far.",
    "Exit codes: 0 for a reply of 1000 and above; 75 for busy (21) and no memory (19); 65 for what the server cannot " +
    "decode (17), does not know (18) or refuses as a param (23), and for input that does not parse; 69 where it is " +
    "unreachable or does not answer in time; 64 for a wrong command line; 74 where the reply cannot be written; 1 for any other error reply. With --count: " +
    "0 where all succeeded, one of the others where all failures are of its kind, else 1, also when interrupted.",
  ],
  flags: [
    { name: "biz", value: "NUMBER|NAME", help: "The plugin: its business number or its name." },
    ...OPERATION_FLAGS,
    { name: "raw", help: "Prints the bytes of the reply's text as they came." },
    { name: "async", help: "Does not wait for the processing: the reply says that it was queued." },
    ...SERVER_FLAGS,
    { name: "udp", help: "Sends over UDP instead of TCP, in a packet that leaves room for the reply." },
    { name: "timeout", value: "TIME", default: "5s", help: "How long to wait for a reply." },
    { name: "count", value: "N", default: "1", help: "Sends it N times and prints a summary." },
    { name: "concurrency", value: "N", default: "1", help: "With --count: how many at once." },
  ],
  positionals: true,
  examples: [
    `mevent send --biz 3 --cmd 1001 --json '{"uid": 7}'`,
    "mevent send --biz echo --cmd 1001 uid:=7 name=Ann",
    "echo '{\"ms\": 100}' | mevent send --biz 3 --cmd 1003 --json - --async",
    "mevent send --biz 3 --cmd 1001 --count 10000 --concurrency 50",
  ],
  async run(args, io) {
    const target = await serverTarget(args, io);
    const timeoutMs = positiveDuration(args, "timeout");
    const plugin = args.required("biz");
    const command = args.int("cmd", 1, 65_535);
    const count = args.int("count", 1, MAX_COUNT);
    const callers = args.int("concurrency", 1, MAX_CALLERS);
    const isMany = args.texts("count").length > 0;
    if (!isMany && args.texts("concurrency").length > 0) throw new UsageError("--concurrency needs --count");
    const sync = args.isOn("async") === undefined;
    const raw = args.isOn("raw") === true;
    if (raw && isMany) throw new UsageError("--raw prints one reply, --count none");
    try {
      const request = { plugin, command, sync, body: await sendBody(args, io) };
      const job = { target, timeoutMs, request, raw };
      return isMany ? await sendMany(job, count, callers, io) : await sendOnce(job, io);
    } catch (error) {
      const exitCode = error instanceof InputError ? ExitCode.Data : clientFailure(error);
      if (exitCode === undefined || !(error instanceof Error)) throw error;
      await io.stderr.write(`mevent send: ${error.message}\n`);
      return exitCode;
    }
  },
};
