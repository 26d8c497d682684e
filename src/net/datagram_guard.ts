import type { LimitLog } from "../observe/limit_log.ts";
import { ReplyCode } from "../protocol/codes.ts";
import { MINI_REPLY_BYTES } from "../protocol/reply.ts";
import type { AnswerKind } from "../router/caller.ts";
import { AddressBudget } from "./address_budget.ts";
import { MAX_DATAGRAM_BYTES } from "./datagram_listener.ts";
import type { NetLimits } from "./limits.ts";
import { OwnAddresses } from "./own_addresses.ts";
import type { Peers } from "./peers.ts";

/** Replies of Reserve.Status that are larger than others may be, to one address in a second. */
export const MAX_STATUS = 100;
/** The version bits of every reply; a request has others. */
const REPLY_VERSION = 0;

export interface DatagramGuardOptions {
  readonly limits: () => NetLimits;
  readonly limitLog: LimitLog;
  /** Monotonic, in ms. */
  readonly now: () => number;
}

/**
 * Whoever sends a datagram may forge its sender. So nothing is answered that could make two servers answer each other,
 * nobody gets much more than was asked with, and nobody gets many errors. One for all UDP sockets of a server.
 */
export class DatagramGuard {
  /** Those that are listened on. */
  ports: ReadonlySet<number> = new Set();
  readonly #own: OwnAddresses;
  readonly #errors: AddressBudget;
  readonly #status: AddressBudget;

  constructor(readonly options: DatagramGuardOptions) {
    this.#own = new OwnAddresses(options.now);
    this.#errors = new AddressBudget(options.now);
    this.#status = new AddressBudget(options.now);
  }

  /** Whether the datagram that begins with this byte may be answered; counts it where not. */
  admits<Address>(first: number, sender: Address, peers: Peers<Address>): boolean {
    if (first >>> 4 !== REPLY_VERSION && !this.#isOwn(sender, peers)) return true;
    this.options.limitLog.reached("udp_loops", { sender: peers.host(sender) });
    return false;
  }

  #isOwn<Address>(sender: Address, peers: Peers<Address>): boolean {
    return this.ports.has(peers.port(sender)) && this.#own.has(peers.host(sender));
  }

  /** How many bytes a reply may have. */
  mostBytes<Address>(
    requestBytes: number,
    kind: AnswerKind,
    to: Address,
    peers: Peers<Address>,
  ): number {
    const { udpReplyRatio, udpLoopbackRatio } = this.options.limits();
    const ratio = kind === "result" && peers.isLoopback(to) ? udpLoopbackRatio : udpReplyRatio;
    if (ratio === 0) return MAX_DATAGRAM_BYTES;
    return Math.min(MAX_DATAGRAM_BYTES, Math.max(MINI_REPLY_BYTES, ratio * requestBytes));
  }

  /** Whether a reply of Reserve.Status may be larger than others. */
  admitsStatus<Address>(to: Address, peers: Peers<Address>): boolean {
    if (this.#status.takes(peers.hash(to), MAX_STATUS)) return true;
    this.options.limitLog.reached("udp_status", { address: peers.host(to) });
    return false;
  }

  /** Whether a reply of that code may go out; counts it where not. */
  admitsCode<Address>(code: number, to: Address, peers: Peers<Address>): boolean {
    if (code >= ReplyCode.CacheMiss) return true;
    const { maxUdpErrors } = this.options.limits();
    if (maxUdpErrors === 0 || this.#errors.takes(peers.hash(to), maxUdpErrors)) return true;
    this.options.limitLog.reached("max_udp_errors", {
      max_udp_errors: maxUdpErrors,
      address: peers.host(to),
    });
    return false;
  }

  /** Counts a reply that was too large for its request. */
  replaced(replyBytes: number, requestBytes: number): void {
    this.options.limitLog.reached("udp_reply_ratio", {
      reply_bytes: replyBytes,
      request_bytes: requestBytes,
    });
  }
}
