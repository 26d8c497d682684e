import type { Server } from "./server.ts";
import type { StopReport } from "./server_options.ts";
import type { StopSignals } from "./stop_signals.ts";
import { onAbort } from "./unless_told.ts";

/**
 * Waits until the server has stopped: the first TERM or INT, or a control command, lets it work off what is queued, the
 * second signal stops it at once. HUP lets it load its config again.
 */
export function runUntilStopped(server: Server, signals: StopSignals): Promise<StopReport> {
  // How it goes is what `ended` tells.
  onAbort(signals.stop, () => void server.drain().catch(() => {}));
  onAbort(signals.stopNow, () => void server.stop().catch(() => {}));
  // What became of it is in the log, a failure too.
  signals.onHangUp(() => void server.reload().catch(() => {}));
  return server.ended;
}
