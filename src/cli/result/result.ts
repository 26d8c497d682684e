import { Connection } from "../../client/connection.ts";
import type { JsonObject } from "../../plugin.ts";
import { decodeBody, encodeBody, Encoding } from "../../protocol/body.ts";
import { ReplyCode, replyName } from "../../protocol/codes.ts";
import { paramsOf } from "../../protocol/params_of.ts";
import type { Reply } from "../../protocol/reply.ts";
import { printable } from "../aligned.ts";
import { clientFailure } from "../client_failure.ts";
import type { Command } from "../command.ts";
import { ExitCode } from "../exit_codes.ts";
import type { Io } from "../io.ts";
import { sendOutcome } from "../send/outcome.ts";
import { replyMessage, shownReply } from "../send/reply.ts";
import { MAX_FRAME_BYTES, positiveDuration, SERVER_FLAGS, serverTarget } from "../server_address.ts";
import { UsageError } from "../usage_error.ts";
import { stateTable } from "./state_table.ts";

/** What is waited for in one request, in ms: the server waits no longer. */
const MAX_WAIT_MS = 60_000;
/** Over UDP the request is one packet, so that results of some length fit what it may be answered with. */
const PAD_TO = 1200;

export const resultCommand: Command = {
  name: "result",
  summary: "Shows where an async operation is, and what it came to.",
  usage: "ID [flags]",
  details: [
    'The id is what mevent send --async prints where the plugin keeps results (results = { keep = "1h" } in its config), what ' +
    "the plugin has as context.id, and what mevent peek --json tells as operation.",
    "Exit codes: 0 where it is done; 75 where it has not ended; 1 where it has failed, was cancelled or has expired, and where " +
    "nobody knows it, or not any more; 65 for what is no id; 69 where the server is unreachable or does not answer in time; 64 for " +
    "a wrong command line; 74 where the answer cannot be written.",
  ],
  flags: [
    { name: "wait", value: "TIME", default: "0s", help: "Waits so long for its end." },
    { name: "json", help: "Prints JSON instead of a table." },
    ...SERVER_FLAGS,
    { name: "udp", help: "Asks over UDP instead of TCP." },
    {
      name: "timeout",
      value: "TIME",
      default: "5s",
      help: "How long to wait for the server, beside --wait.",
    },
  ],
  positionals: true,
  examples: ["mevent result 0123456789ab-3k-1", "mevent result 0123456789ab-3k-1 --wait 10s --json"],
  async run(args, io) {
    const { address, options } = await serverTarget(args, io);
    const timeoutMs = positiveDuration(args, "timeout");
    const waitMs = args.duration("wait");
    const [id, ...more] = args.positionals;
    if (id === undefined || more.length > 0) throw new UsageError("result takes the id of one operation");
    try {
      await using client = await Connection.connect(address, {
        ...options,
        timeoutMs,
        maxFrame: MAX_FRAME_BYTES,
        padTo: PAD_TO,
      });
      return await show(await ask(client, id, waitMs, timeoutMs), args.isOn("json") === true, io);
    } catch (error) {
      const exitCode = clientFailure(error);
      if (exitCode === undefined || !(error instanceof Error)) throw error;
      await io.stderr.write(`mevent result: ${error.message}\n`);
      return exitCode;
    }
  },
};

/** Asks until it has ended, or the time is over. */
async function ask(client: Connection, id: string, waitMs: number, timeoutMs: number): Promise<Reply> {
  const end = performance.now() + waitMs;
  while (true) {
    const left = Math.max(0, end - performance.now());
    const wait = Math.min(left, MAX_WAIT_MS);
    const reply = await client.call({
      plugin: "Reserve.Result",
      command: 1,
      sync: true,
      body: encodeBody(Encoding.Json, { id, wait: wait / 1000 }),
      timeoutMs: wait + timeoutMs,
    });
    if (reply.code !== ReplyCode.Ok || hasEnded(stateOf(reply)) || performance.now() >= end) return reply;
  }
}

async function show(reply: Reply, json: boolean, io: Io): Promise<number> {
  const { code, body } = reply;
  if (code !== ReplyCode.Ok) {
    await io.stderr.write(
      `mevent result: ${printable(replyMessage(body) ?? `${code} ${replyName(code)}`)}\n`,
    );
    return sendOutcome(code);
  }
  const state = stateOf(reply);
  await io.stdout.write(json ? shownReply(body, io.stdout.isTerminal).text : stateTable(state));
  return !hasEnded(state) ? ExitCode.Busy : state.state === "done" ? ExitCode.Ok : ExitCode.Failed;
}

function stateOf({ body }: Reply): JsonObject {
  return paramsOf(decodeBody(body) ?? {}) ?? {};
}

function hasEnded(state: JsonObject): boolean {
  return state.ended_at !== undefined;
}
