import type { LimitLog } from "../observe/limit_log.ts";
import type { ServerCounters } from "../observe/server_stats.ts";
import type { NetLimits } from "./limits.ts";
import type { DescriptorReserve } from "./descriptor_reserve.ts";

/** Decides which connections are taken, over all listeners, and counts them. */
export class Admission {
  /** Open connections by address; those of Unix sockets under the empty one. */
  readonly #byAddress = new Map<string, number>();

  constructor(
    readonly counters: ServerCounters,
    readonly limits: () => NetLimits,
    readonly limitLog: LimitLog,
    readonly reserve: DescriptorReserve,
  ) {}

  /** Whether one more connection from there may be served; counts it as refused where not. */
  admits(address: string): boolean {
    const { counters, limitLog } = this;
    const { maxConnections, maxConnectionsPerAddress } = this.limits();
    if (counters.connectionsOpen >= maxConnections) {
      limitLog.reached("max_connections", { max_connections: maxConnections });
    } else if (maxConnectionsPerAddress > 0 && this.#open(address) >= maxConnectionsPerAddress) {
      limitLog.reached("max_connections_per_address", {
        max_connections_per_address: maxConnectionsPerAddress,
        address: address === "" ? "unix" : address,
      });
    } else if (this.reserve.isShort) {
      limitLog.reached("descriptors");
    } else return true;
    counters.connectionsRefused++;
    return false;
  }

  opened(address: string): void {
    this.counters.connectionsAccepted++;
    this.counters.connectionsOpen++;
    this.reserve.taken();
    this.#byAddress.set(address, this.#open(address) + 1);
  }

  closed(address: string): void {
    this.counters.connectionsOpen--;
    const left = this.#open(address) - 1;
    if (left > 0) this.#byAddress.set(address, left);
    else this.#byAddress.delete(address);
  }

  #open(address: string): number {
    return this.#byAddress.get(address) ?? 0;
  }
}
