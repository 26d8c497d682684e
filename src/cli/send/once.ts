import type { ServerAddress } from "../../client/address.ts";
import { type ClientRequest, Connection } from "../../client/connection.ts";
import { TimeoutError } from "../../client/errors.ts";
import { decodeBody } from "../../protocol/body.ts";
import { ReplyCode, replyName } from "../../protocol/codes.ts";
import { paramsOf } from "../../protocol/params_of.ts";
import type { Reply } from "../../protocol/reply.ts";
import { knownNames } from "../../router/known_names.ts";
import { clientFailure } from "../client_failure.ts";
import type { Io } from "../io.ts";
import type { SendJob } from "./job.ts";
import { sendOutcome } from "./outcome.ts";
import { replyBytes, replyMessage, shownReply } from "./reply.ts";
import { MAX_FRAME_BYTES } from "../server_address.ts";
import { asServerStats, fetchStats, StatsError } from "../stats/report.ts";
import { markInvisible } from "../invisible_characters.ts";

/** Over UDP the request is one packet, so that sentences of errors and short results fit what it may be answered with. */
const PAD_TO = 1200;

/** Sends one request, prints its reply, and chooses the exit code. */
export async function sendOnce({ target, request, timeoutMs, raw }: SendJob, io: Io): Promise<number> {
  await using client = await Connection.connect(target.address, {
    ...target.options,
    timeoutMs,
    maxFrame: MAX_FRAME_BYTES,
    padTo: PAD_TO,
  });
  const started = performance.now();
  const { code, body } = await call(client, { ...request, wantsId: !request.sync });
  const time = `${(performance.now() - started).toFixed(2)} ms`;
  const isDone = code >= ReplyCode.Ok;
  const message = isDone ? (request.sync ? undefined : queuedMessage(body)) : replyMessage(body) ??
    (code === ReplyCode.Unknown ? await pluginsThere(client, target.address) : undefined);
  // What was done goes first: a reader of stdout that has gone must not hide it.
  await io.stderr.write(
    `${code} ${replyName(code)} in ${time}${message === undefined ? "" : `: ${markInvisible(message)}`}\n`,
  );
  if (request.sync) await (raw ? printRaw(body, io) : printShown(body, io));
  return sendOutcome(code);
}

/** `queued`, and as what where the plugin keeps what comes of it. */
function queuedMessage(body: Uint8Array | null): string {
  const { id, keep_ms } = paramsOf(decodeBody(body) ?? {}) ?? {};
  return typeof id === "string" && Number(keep_ms) > 0 ? `queued as ${id}` : "queued";
}

/** Clients of old are told a bare 18, and so are those who send HDF: asks what there is; undefined where nobody says. */
async function pluginsThere(client: Connection, { transport }: ServerAddress): Promise<string | undefined> {
  if (transport === "udp") return undefined;
  try {
    const { plugins } = asServerStats(await fetchStats(client));
    return `there is no such plugin; there is ${knownNames(plugins.map(({ name }) => name))}`;
  } catch (error) {
    if (error instanceof StatsError || clientFailure(error) !== undefined) return undefined;
    throw error;
  }
}

async function printShown(body: Uint8Array | null, io: Io): Promise<void> {
  const { text, note } = shownReply(body, io.stdout.isTerminal);
  if (note !== "") await io.stderr.write(`mevent send: ${note}\n`);
  if (text !== "") await io.stdout.write(text);
}

async function printRaw(body: Uint8Array | null, io: Io): Promise<void> {
  if (body !== null) await io.stdout.write(replyBytes(body));
}

async function call(client: Connection, request: ClientRequest): Promise<Reply> {
  try {
    return await client.call(request);
  } catch (error) {
    if (!(error instanceof TimeoutError) || request.sync) throw error;
    throw new TimeoutError(
      `${error.message}; a listener with async_reply = false answers no async request, but queues it`,
    );
  }
}
