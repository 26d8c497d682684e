import type { StreamAddress } from "../../client/address.ts";
import { Connection } from "../../client/connection.ts";
import type { JsonValue } from "../../plugin.ts";
import { ControlClient } from "../control/client.ts";
import { MAX_FRAME_BYTES, type ServerTarget } from "../server_address.ts";
import { fetchStats, figuresOf, TooLongError } from "./report.ts";

/** Where a server's figures come from. */
export interface StatsSource {
  /** Throws as a client does that is refused or loses its server, and StatsError. */
  fetch(signal?: AbortSignal): Promise<JsonValue>;
  close(): Promise<void>;
}

/** Opens one; throws ConnectError. */
export type OpenStats = () => Promise<StatsSource>;

/** Lengths of requests over UDP, each tried where the answer to a shorter one may not be so long: a packet's, and the longest. */
const PAD_TO = [1200, 65_507] as const;

/** The figures as any caller may have them. */
export function statsFromWire({ address, options }: ServerTarget, timeoutMs: number): OpenStats {
  const connect = (padTo: number) =>
    Connection.connect(address, { ...options, timeoutMs, maxFrame: MAX_FRAME_BYTES, padTo });
  const [short, long] = PAD_TO;
  return async () => {
    let client = await connect(short);
    return {
      async fetch(signal) {
        try {
          return await fetchStats(client, signal);
        } catch (error) {
          if (!(error instanceof TooLongError) || address.transport !== "udp") throw error;
        }
        await client.close();
        client = await connect(long);
        return await fetchStats(client, signal);
      },
      close: () => client.close(),
    };
  };
}

/**
 * The figures from the control socket: also while the server drains, or has as many connections as it may. Each look
 * has a connection of its own, for an idle one is closed.
 */
export function statsFromControl(
  address: StreamAddress,
  timeoutMs: number,
  token: string | undefined,
): OpenStats {
  return () =>
    Promise.resolve({
      async fetch(signal) {
        using client = await ControlClient.connect(address, timeoutMs, token);
        const close = () => client.close();
        signal?.addEventListener("abort", close);
        try {
          return figuresOf(await client.call({ command: "stats" }));
        } finally {
          signal?.removeEventListener("abort", close);
        }
      },
      close: () => Promise.resolve(),
    });
}
