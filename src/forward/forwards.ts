import { describeAddress } from "../client/address.ts";
import type { ForwardStats } from "../observe/server_stats.ts";
import type { ForwardTable } from "../router/forward_table.ts";
import { type ForwardAddress, Forwarder, type ForwarderParts } from "./forwarder.ts";

const decoder = new TextDecoder();
/** The longest name that a forwarding may have, in bytes. */
const MAX_NAME_BYTES = 64;

/** Plugins, as callers name them, whose requests another server answers. */
export interface Forwarding extends ForwardAddress {
  readonly names: readonly string[];
}

/** Which requests go to which other server. */
export class Forwards implements ForwardTable {
  #byName: ReadonlyMap<string, Forwarder> = new Map();
  #all: readonly Forwarder[] = [];
  /** Nobody is sent there any more, but some wait for an answer. */
  #leaving: Forwarder[] = [];

  constructor(readonly parts: ForwarderParts) {}

  /** Forwards these from now on, and no others; who waits for an answer gets it. */
  replace(forwardings: readonly Forwarding[]): void {
    const byAddress = Map.groupBy(forwardings, addressText);
    const before = this.#all;
    this.#all = [...byAddress].map(([address, each]) => {
      const names = each.flatMap((forwarding) => forwarding.names);
      const known = before.find((forwarder) => forwarder.to === address);
      if (known === undefined) return new Forwarder(each[0]!, names, this.parts);
      known.names = names;
      return known;
    });
    this.#leaving.push(...before.filter((forwarder) => !this.#all.includes(forwarder)));
    const byName = new Map<string, Forwarder>();
    for (const forwarding of forwardings) {
      const forwarder = this.#all.find(({ to }) => to === addressText(forwarding))!;
      for (const name of forwarding.names) if (!byName.has(name)) byName.set(name, forwarder);
    }
    this.#byName = byName;
    this.check();
  }

  find(bytes: Uint8Array, at: number, length: number): Forwarder | null {
    if (this.#byName.size === 0 || length > MAX_NAME_BYTES) return null;
    return this.#byName.get(decoder.decode(bytes.subarray(at, at + length))) ?? null;
  }

  /** Answers those that have waited for too long; to be called now and then. */
  check(): void {
    for (const forwarder of [...this.#all, ...this.#leaving]) forwarder.check();
    const idle = this.#leaving.filter(({ isIdle }) => isIdle);
    this.#leaving = this.#leaving.filter(({ isIdle }) => !isIdle);
    for (const forwarder of idle) forwarder.close();
  }

  stats(): ForwardStats[] {
    return this.#all.map((forwarder) => forwarder.stats());
  }

  async close(): Promise<void> {
    await Promise.all([...this.#all, ...this.#leaving].map((forwarder) => forwarder.close()));
  }
}

function addressText({ hostname, port }: ForwardAddress): string {
  return describeAddress({ transport: "tcp", hostname, port });
}
