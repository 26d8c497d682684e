import type { Server, StopReport } from "./server.ts";

/** Signals that end the server. */
const STOP_SIGNALS = ["SIGTERM", "SIGINT"] as const;

/**
 * Waits until the process is told to stop, and stops the server: the first TERM or INT lets it work off what is queued,
 * the second one stops it at once. HUP lets it load its config again.
 */
export async function runUntilStopped(server: Server): Promise<StopReport> {
  const told = Promise.withResolvers<void>();
  let signals = 0;
  const onSignal = () => {
    signals++;
    if (signals === 1) told.resolve();
    else server.stop();
  };
  // What became of it is in the log, a failure too.
  const onHangUp = () => void server.reload().catch(() => {});
  for (const signal of STOP_SIGNALS) Deno.addSignalListener(signal, onSignal);
  Deno.addSignalListener("SIGHUP", onHangUp);
  try {
    await told.promise;
    return await server.stop();
  } finally {
    for (const signal of STOP_SIGNALS) Deno.removeSignalListener(signal, onSignal);
    Deno.removeSignalListener("SIGHUP", onHangUp);
  }
}
