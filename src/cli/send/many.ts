import { Connection } from "../../client/connection.ts";
import { ConnectionLostError, TimeoutError } from "../../client/errors.ts";
import type { Io } from "../io.ts";
import type { SendJob } from "./job.ts";
import { SendTally } from "./tally.ts";
import { MAX_FRAME_BYTES, type ServerTarget } from "../server_address.ts";

/** More callers than this share connections. */
const MAX_CONNECTIONS = 64;
const PROGRESS_MS = 1000;

/**
 * Sends a request `count` times from `callers` callers, each of which waits for its reply before it sends the next,
 * prints a summary, and chooses the exit code. SIGINT ends it early. A caller whose connection is lost stops; the others
 * do its part.
 */
export async function sendMany(job: SendJob, count: number, callers: number, io: Io): Promise<number> {
  const { target, request, timeoutMs } = job;
  const clients = await connectAll(target, Math.min(callers, count, MAX_CONNECTIONS), timeoutMs);
  const tally = new SendTally(count);
  const started = performance.now();
  let sent = 0;
  let stopped = false;
  let elapsedMs = 0;
  const stop = () => {
    stopped = true;
    // Ends what is in flight as well.
    return Promise.all(clients.map((client) => client.close()));
  };
  const caller = async (client: Connection) => {
    while (!stopped && sent < count) {
      sent++;
      const before = performance.now();
      try {
        const { code } = await client.call(request);
        tally.reply(code, performance.now() - before);
      } catch (error) {
        if (stopped) return;
        if (error instanceof TimeoutError) tally.timeouts++;
        else if (!(error instanceof ConnectionLostError)) throw error;
        else {
          tally.lost++;
          return;
        }
      }
    }
  };
  const progress = showProgress(tally, started, io);
  Deno.addSignalListener("SIGINT", stop);
  try {
    const running = clients.flatMap((client, n) => {
      const share = Math.ceil((callers - n) / clients.length);
      return Array.from({ length: share }, () => caller(client));
    });
    await Promise.all(running);
    elapsedMs = performance.now() - started;
  } finally {
    Deno.removeSignalListener("SIGINT", stop);
    await progress.end();
    await stop();
  }
  await io.stdout.write(tally.summary(elapsedMs));
  return tally.exitCode();
}

/** Opens so many connections, or none. */
async function connectAll(target: ServerTarget, count: number, timeoutMs: number): Promise<Connection[]> {
  const results = await Promise.allSettled(
    Array.from(
      { length: count },
      () => Connection.connect(target.address, { ...target.options, timeoutMs, maxFrame: MAX_FRAME_BYTES }),
    ),
  );
  const clients = results.flatMap((result) => result.status === "fulfilled" ? [result.value] : []);
  for (const result of results) {
    if (result.status === "fulfilled") continue;
    await Promise.all(clients.map((client) => client.close()));
    throw result.reason;
  }
  return clients;
}

/** A line on stderr that is written anew each second, where people look. */
function showProgress(tally: SendTally, started: number, { stderr }: Io): { end(): Promise<void> } {
  if (!stderr.isTerminal) return { end: () => Promise.resolve() };
  let writing = Promise.resolve();
  const timer = setInterval(() => {
    const line = `\r\x1b[K${tally.progress(performance.now() - started)}`;
    // Where stderr is gone there is nobody to tell.
    writing = writing.then(() => stderr.write(line)).catch(() => clearInterval(timer));
  }, PROGRESS_MS);
  return {
    async end() {
      clearInterval(timer);
      await writing;
      await stderr.write("\r\x1b[K").catch(() => {});
    },
  };
}
