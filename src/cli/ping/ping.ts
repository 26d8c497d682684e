import { setTimeout as delay } from "node:timers/promises";
import { describeAddress } from "../../client/address.ts";
import { type ClientRequest, Connection } from "../../client/connection.ts";
import { encodeBody, Encoding } from "../../protocol/body.ts";
import { ReplyCode, replyName } from "../../protocol/codes.ts";
import { printable } from "../aligned.ts";
import { clientFailure } from "../client_failure.ts";
import type { Command } from "../command.ts";
import { ExitCode } from "../exit_codes.ts";
import type { Io } from "../io.ts";
import type { ParsedCommand } from "../parsed_command.ts";
import { sendBody } from "../send/body.ts";
import { sendOutcome } from "../send/outcome.ts";
import { replyMessage } from "../send/reply.ts";
import {
  MAX_FRAME_BYTES,
  positiveDuration,
  SERVER_FLAGS,
  type ServerTarget,
  serverTarget,
} from "../server_address.ts";
import { UsageError } from "../usage_error.ts";

/** What is asked where no plugin is named: the server's own counters, which the C daemon tells, too. */
const SERVER_ITSELF = { plugin: "Reserve.Status", command: 1, sync: true } as const;
const MAX_RETRIES = 1_000_000;
/** Over UDP the request is one packet, so that the counters fit what it may be answered with. */
const PAD_TO = 1200;

export const pingCommand: Command = {
  name: "ping",
  summary: "Says, also by its exit code, whether a server or a plugin of it answers.",
  usage: "[--plugin NUMBER|NAME --cmd NUMBER] [flags] [key=value | key:=json …]",
  details: [
    "For cron and health checks. Without --plugin the server itself is asked, which answers also where a plugin is stuck. With " +
    "--plugin and --cmd the plugin runs the command, with params as for send, and its health is what it answers.",
    "With --retries it is asked again while it fails: --retries 5 is six tries ten seconds apart, as the heartbeat of the C daemon has them.",
    "Exit codes, those of the last try: 0 for a reply of 1000 and above; 69 where the server is unreachable or does not answer in " +
    "time; 75 for busy (21) and no memory (19); 65 for a plugin, command or param that it does not know, which is not tried " +
    "again; 1 for any other error reply; 64 for a wrong command line; 74 where the answer cannot be written.",
  ],
  flags: [
    { name: "plugin", value: "NUMBER|NAME", help: "The plugin: its business number or its name." },
    { name: "cmd", value: "NUMBER", help: "With --plugin: the command, 1 to 65535." },
    { name: "retries", value: "N", default: "0", help: "How often it is tried again." },
    { name: "interval", value: "TIME", default: "10s", help: "The time between two tries." },
    { name: "timeout", value: "TIME", default: "5s", help: "How long one try may take." },
    { name: "json", help: "Prints the outcome as one JSON object instead of a sentence." },
    ...SERVER_FLAGS,
    { name: "udp", help: "Asks over UDP instead of TCP." },
  ],
  positionals: true,
  examples: [
    "mevent ping",
    "mevent ping --plugin echo --cmd 1001 --retries 5",
    "mevent ping --unix /run/mevent/mevent.sock --timeout 2s --json",
  ],
  async run(args, io) {
    const target = await serverTarget(args, io);
    const timeoutMs = positiveDuration(args, "timeout");
    const intervalMs = args.duration("interval");
    const retries = args.int("retries", 0, MAX_RETRIES);
    const request = await requestOf(args, io);
    const json = args.isOn("json") === true;
    for (let tries = 1;; tries++) {
      const outcome = await tryOnce(target, request, timeoutMs);
      const isLast = tries > retries || outcome.exit === ExitCode.Ok || outcome.exit === ExitCode.Data;
      if (isLast) return await tell(outcome, tries, target, json, io);
      await io.stderr.write(
        `mevent ping: try ${tries} of ${retries + 1}: ${outcome.problem}; again in ${
          args.required("interval")
        }\n`,
      );
      await delay(intervalMs);
    }
  },
};

/** What one try came to. */
interface PingOutcome {
  readonly exit: number;
  /** Null where no reply came. */
  readonly code: number | null;
  readonly timeMs: number;
  /** A sentence; "" where there is none. */
  readonly problem: string;
}

async function requestOf(args: ParsedCommand, io: Io): Promise<ClientRequest> {
  const plugin = args.text("plugin");
  if (plugin !== undefined) {
    return { plugin, command: args.int("cmd", 1, 65_535), sync: true, body: await sendBody(args, io) };
  }
  if (args.text("cmd") !== undefined) throw new UsageError("--cmd needs --plugin");
  const [param] = args.positionals;
  if (param !== undefined) throw new UsageError(`the param ${JSON.stringify(param)} needs --plugin`);
  return { ...SERVER_ITSELF, body: encodeBody(Encoding.Json, {}) };
}

/** Asks once, over a connection of its own. */
async function tryOnce(
  { address, options }: ServerTarget,
  request: ClientRequest,
  timeoutMs: number,
): Promise<PingOutcome> {
  const started = performance.now();
  const outcome = (exit: number, code: number | null, problem: string): PingOutcome => ({
    exit,
    code,
    problem,
    timeMs: Number((performance.now() - started).toFixed(2)),
  });
  try {
    await using client = await Connection.connect(address, {
      ...options,
      timeoutMs,
      maxFrame: MAX_FRAME_BYTES,
      padTo: PAD_TO,
    });
    const { code, body } = await client.call(request);
    if (code >= ReplyCode.Ok) return outcome(ExitCode.Ok, code, "");
    const sentence = replyMessage(body);
    const problem = `${code} ${replyName(code)}${sentence === undefined ? "" : `: ${printable(sentence)}`}`;
    return outcome(sendOutcome(code), code, problem);
  } catch (error) {
    const exit = clientFailure(error);
    if (exit === undefined || !(error instanceof Error)) throw error;
    return outcome(exit, null, error.message);
  }
}

async function tell(
  { exit, code, timeMs, problem }: PingOutcome,
  tries: number,
  { address }: ServerTarget,
  json: boolean,
  io: Io,
): Promise<number> {
  const server = describeAddress(address);
  if (json) {
    const told = { ok: exit === ExitCode.Ok, server, code, time_ms: timeMs, tries, problem: problem || null };
    await io.stdout.write(`${JSON.stringify(told, null, io.stdout.isTerminal ? 2 : 0)}\n`);
  } else if (exit === ExitCode.Ok) {
    await io.stdout.write(`${server} answers in ${timeMs} ms\n`);
  } else {
    await io.stderr.write(`mevent ping: ${problem}\n`);
  }
  return exit;
}
