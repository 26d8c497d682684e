import { describeAddress } from "../../client/address.ts";
import { type LoadPlan, MAX_DEPTH, WRITE_BYTES } from "../../loadgen/plan.ts";
import { encodeContent, Encoding } from "../../protocol/body.ts";
import type { Io } from "../io.ts";
import type { ParsedCommand } from "../parsed_command.ts";
import { sendBody } from "../send/body.ts";
import { positiveDuration, serverTarget } from "../server_address.ts";
import { UsageError } from "../usage_error.ts";

const MAX_CONNECTIONS = 10_000;
const MAX_SECONDS = 86_400;
const MAX_COUNT = 1_000_000_000;
/** The texts around the padding need some. */
const MIN_CONTENT_BYTES = 16;
const MAX_CONTENT_BYTES = 16 * 1024 * 1024;
/** What the requests of all connections may take, in bytes. */
const MAX_BUFFER_BYTES = 1024 ** 3;

/** The longest params that are shown, in characters. */
const SHOWN_CHARS = 60;

/** What `mevent bench` is to do. */
export interface BenchJob {
  readonly plan: LoadPlan;
  /** The same in words: `tcp 127.0.0.1:26000, plugin echo, command 1002, sync, 100 bytes of hdf`. */
  readonly target: string;
  readonly json: boolean;
}

/** What `mevent bench --capacity` is to do. */
export interface CapacityJob extends BenchJob {
  /** Operations a second of the burst; undefined for several rates. */
  readonly rate: number | undefined;
  /** How long the operations of a round may take to be worked off, in ms. */
  readonly waitMs: number;
}

/** Reads the command line. Throws UsageError. */
export async function benchJob(args: ParsedCommand, io: Io, isCapacity: boolean): Promise<BenchJob> {
  const { address, options } = await serverTarget(args, io);
  if (address.transport === "udp") throw new UsageError("bench speaks TCP and Unix sockets");
  const sync = mode(args, isCapacity) === "sync";
  const { body, text } = await params(args, io);
  const isCounted = args.text("count") !== undefined;
  const isTimed = !isCounted || args.texts("seconds").length > 0;
  const plan: LoadPlan = {
    address,
    options,
    plugin: args.required("plugin"),
    command: args.int("cmd", 1, 65_535),
    sync,
    body,
    connections: args.int("conns", 1, MAX_CONNECTIONS),
    depth: args.int("depth", 1, MAX_DEPTH),
    durationMs: (isTimed ? args.int("seconds", 1, MAX_SECONDS) : MAX_SECONDS) * 1000,
    count: isCounted ? args.int("count", 1, MAX_COUNT) : Infinity,
    timeoutMs: positiveDuration(args, "timeout"),
  };
  const buffers = plan.connections * Math.max(body.length, Math.min(body.length * plan.depth, WRITE_BYTES));
  if (buffers > MAX_BUFFER_BYTES) {
    throw new UsageError("--conns times --size: the requests of all connections take more than 1 GiB");
  }
  const target = [
    describeAddress(address),
    `plugin ${plan.plugin}`,
    `command ${plan.command}`,
    sync ? "sync" : "async",
    text,
  ].join(", ");
  return { plan, target, json: args.isOn("json") === true };
}

function mode(args: ParsedCommand, isCapacity: boolean): "sync" | "async" {
  const text = args.text("mode") ?? (isCapacity ? "async" : "sync");
  if (text === "sync" || text === "async") return text;
  throw new UsageError(`--mode: expected sync or async, got ${JSON.stringify(text)}`);
}

/** The params of every request, and what to say of them. */
async function params(args: ParsedCommand, io: Io): Promise<{ body: Uint8Array; text: string }> {
  if (args.positionals.length > 0) {
    for (const name of ["size", "encoding"]) {
      if (args.texts(name).length > 0) throw new UsageError(`--${name} and params contradict each other`);
    }
    return { body: await sendBody(args, io), text: `with ${shortened(args.positionals.join(" "))}` };
  }
  const size = args.int("size", MIN_CONTENT_BYTES, MAX_CONTENT_BYTES);
  const encoding = args.required("encoding");
  if (encoding !== "hdf" && encoding !== "json") {
    throw new UsageError(`--encoding: expected hdf or json, got ${JSON.stringify(encoding)}`);
  }
  const [before, after] = encoding === "hdf" ? ["data = ", "\n"] as const : ['{"data":"', '"}'] as const;
  const content = new TextEncoder().encode(
    before + "x".repeat(size - before.length - after.length) + after,
  );
  const body = encodeContent(encoding === "hdf" ? Encoding.Hdf : Encoding.Json, content);
  return { body, text: `${size} bytes of ${encoding}` };
}

function shortened(text: string): string {
  return text.length > SHOWN_CHARS ? `${text.slice(0, SHOWN_CHARS)}…` : text;
}
