import type { Server } from "./server.ts";
import type { StopReport } from "./server_options.ts";

/** Signals that end the server. */
const STOP_SIGNALS = ["SIGTERM", "SIGINT"] as const;

/**
 * Waits until the server has stopped: the first TERM or INT, or a control command, lets it work off what is queued, the
 * second signal stops it at once. HUP lets it load its config again.
 */
export async function runUntilStopped(server: Server): Promise<StopReport> {
  let signals = 0;
  // How it goes is what `ended` tells.
  const onSignal = () => void (signals++ === 0 ? server.drain() : server.stop()).catch(() => {});
  // What became of it is in the log, a failure too.
  const onHangUp = () => void server.reload().catch(() => {});
  for (const signal of STOP_SIGNALS) Deno.addSignalListener(signal, onSignal);
  Deno.addSignalListener("SIGHUP", onHangUp);
  try {
    return await server.ended;
  } finally {
    for (const signal of STOP_SIGNALS) Deno.removeSignalListener(signal, onSignal);
    Deno.removeSignalListener("SIGHUP", onHangUp);
  }
}
