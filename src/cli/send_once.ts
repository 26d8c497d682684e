import { Client, type ClientRequest } from "../client/client.ts";
import { TimeoutError } from "../client/errors.ts";
import { ReplyCode, replyName } from "../protocol/codes.ts";
import type { Reply } from "../protocol/reply.ts";
import type { Io } from "./io.ts";
import type { SendJob } from "./send_job.ts";
import { sendOutcome } from "./send_outcome.ts";
import { replyMessage, replyText } from "./send_reply.ts";
import { MAX_FRAME_BYTES } from "./server_address.ts";

/** Sends one request, prints its reply, and chooses the exit code. */
export async function sendOnce({ address, request, timeoutMs }: SendJob, io: Io): Promise<number> {
  await using client = await Client.connect(address, { timeoutMs, maxFrame: MAX_FRAME_BYTES });
  const started = performance.now();
  const { code, body } = await call(client, request);
  const time = `${(performance.now() - started).toFixed(2)} ms`;
  const isDone = code >= ReplyCode.Ok;
  const message = isDone ? (request.sync ? undefined : "queued") : replyMessage(body);
  // What was done goes first: a reader of stdout that has gone must not hide it.
  await io.stderr.write(
    `${code} ${replyName(code)} in ${time}${message === undefined ? "" : `: ${message}`}\n`,
  );
  const text = request.sync ? replyText(body, io.stdout.isTerminal) : "";
  if (text !== "") await io.stdout.write(text);
  return sendOutcome(code);
}

async function call(client: Client, request: ClientRequest): Promise<Reply> {
  try {
    return await client.call(request);
  } catch (error) {
    if (!(error instanceof TimeoutError) || request.sync) throw error;
    throw new TimeoutError(
      `${error.message}; a listener with async_reply = false answers no async request, but queues it`,
    );
  }
}
