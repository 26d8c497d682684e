import { Connection } from "../../client/connection.ts";
import { ConnectionLostError, TimeoutError } from "../../client/errors.ts";
import { LoadRun } from "../../loadgen/run.ts";
import { encodeBody, Encoding } from "../../protocol/body.ts";
import type { BenchJob } from "./job.ts";
import { benchProgress } from "./progress.ts";
import { loadExitCode, loadJson, loadTable } from "./report.ts";
import { ReplyCode } from "../../protocol/codes.ts";
import type { Reply } from "../../protocol/reply.ts";
import { UnknownPluginError } from "./queue_watch.ts";
import type { Io } from "../io.ts";
import { replyMessage } from "../send/reply.ts";
import { MAX_FRAME_BYTES } from "../server_address.ts";
import { countText } from "../stats/units.ts";

/** The command that every plugin answers by itself, with its figures. */
const STATS_COMMAND = 1000;
/** How long a server may take to say that it has the plugin, in ms. */
const CHECK_MS = 1000;

/**
 * Runs a load, prints what became of it, and chooses the exit code. SIGINT ends it early. Throws UnknownPluginError where
 * there is no such plugin, before anything else is sent.
 */
export async function benchLoad(job: BenchJob, io: Io): Promise<number> {
  await checkPlugin(job);
  const run = await LoadRun.connect(job.plan);
  const stop = () => run.stop();
  Deno.addSignalListener("SIGINT", stop);
  const progress = benchProgress(progressLine(run), io);
  try {
    await run.finish();
  } finally {
    Deno.removeSignalListener("SIGINT", stop);
    await progress.end();
  }
  await io.stdout.write(job.json ? `${JSON.stringify(loadJson(job, run))}\n` : loadTable(job, run, io));
  if (run.tally.sent > 0 && run.tally.replies === 0 && !job.plan.sync && !run.interrupted) {
    await io.stderr.write(
      "mevent bench: no reply at all: a listener with async_reply = false answers no async request, but queues it\n",
    );
  }
  return loadExitCode(run);
}

/** The server's sentence tells which plugins there are. One that does not answer is for the load to tell of. */
async function checkPlugin({ plan: { address, options, timeoutMs, plugin } }: BenchJob): Promise<void> {
  await using client = await Connection.connect(address, {
    ...options,
    timeoutMs,
    maxFrame: MAX_FRAME_BYTES,
  });
  const request = { plugin, command: STATS_COMMAND, sync: true, body: encodeBody(Encoding.Json, {}) };
  let reply: Reply;
  try {
    reply = await client.call({ ...request, timeoutMs: Math.min(timeoutMs, CHECK_MS) });
  } catch (error) {
    if (error instanceof TimeoutError || error instanceof ConnectionLostError) return;
    throw error;
  }
  if (reply.code !== ReplyCode.Unknown) return;
  throw new UnknownPluginError(
    replyMessage(reply.body) ?? `the server has no plugin ${JSON.stringify(plugin)}`,
  );
}

/** `3 s, 1,234,567 operations, 411,522/s now, busy 0, lost 0` */
function progressLine(run: LoadRun): () => string {
  let before = 0;
  let at = performance.now();
  return () => {
    const { replies, lost } = run.tally;
    const now = performance.now();
    const rate = (replies - before) / (now - at) * 1000;
    before = replies;
    at = now;
    return `${Math.round(run.elapsedMs / 1000)} s, ${countText(replies)} operations, ` +
      `${countText(Math.round(rate))}/s now, busy ${countText(run.tally.count(ReplyCode.Busy))}, lost ${
        countText(lost)
      }`;
  };
}
