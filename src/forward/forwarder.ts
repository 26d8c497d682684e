import { describeAddress } from "../client/address.ts";
import { sockets } from "../client/sockets.ts";
import { StreamLink } from "../client/stream_link.ts";
import type { LimitLog } from "../observe/limit_log.ts";
import type { Log } from "../observe/log.ts";
import type { ForwardStats } from "../observe/server_stats.ts";
import { BodyView, type Encoding, encodingAt } from "../protocol/body.ts";
import { readU32, writeU32 } from "../protocol/bytes.ts";
import { ReplyCode } from "../protocol/codes.ts";
import { HIGHEST_CONTENT_LIMITS } from "../protocol/content_limits.ts";
import { errorBody, errorContent } from "../protocol/error_content.ts";
import { PREFIX_BYTES } from "../protocol/frame.ts";
import { readReply } from "../protocol/reply.ts";
import { MAX_REQUEST_ID, REQUEST_HEADER_BYTES, VERSION } from "../protocol/request.ts";
import type { Caller } from "../router/caller.ts";
import type { ReplyRoutes } from "../router/reply_routes.ts";
import { systemReason } from "../system_reason.ts";

/** Requests that one server has not answered yet, and bytes that it has not taken yet. */
const MAX_OPEN = 10_000;
const MAX_WAITING_BYTES = 16 * 1024 * 1024;
/** Connecting may take so long, and after a failure the next attempt comes so much later; in ms. */
const CONNECT_TIMEOUT_MS = 2000;
const PAUSE_MS = 1000;
/** The longest reply that is taken, in bytes: what a listener of ours may have at most. */
const MAX_REPLY_BYTES = 64 * 1024 * 1024;

/** Where another server listens on TCP. */
export interface ForwardAddress {
  readonly hostname: string;
  readonly port: number;
}

export interface ForwarderParts {
  readonly routes: ReplyRoutes;
  readonly log: Log;
  readonly limitLog: LimitLog;
  /** Monotonic, in ms. */
  readonly now: () => number;
  /** How long a request may go unanswered, in ms. */
  readonly timeout: () => number;
}

/** Whom a forwarded request is answered to; slot -1 is nobody. */
interface Waiting {
  readonly slot: number;
  readonly generation: number;
  readonly id: number;
  readonly encoding: Encoding;
  readonly since: number;
}

/**
 * Hands requests on to another server of the protocol, over one connection with ids of its own, and its replies back. What is
 * between their ids is not looked at.
 */
export class Forwarder {
  #link: StreamLink | null = null;
  #dialing: Promise<void> | null = null;
  /** Messages that wait for the connection. */
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  readonly #open = new Map<number, Waiting>();
  #lastId = 0;
  /** Until then nothing is tried, and why not. */
  #pause: { readonly until: number; readonly why: string } | null = null;
  #closed = false;
  #forwarded = 0;
  #failed = 0;
  readonly #view = new BodyView(HIGHEST_CONTENT_LIMITS);

  /** The server, for messages. */
  readonly to: string;

  constructor(
    readonly address: ForwardAddress,
    public names: readonly string[],
    readonly parts: ForwarderParts,
  ) {
    this.to = describeAddress({ transport: "tcp", ...address });
  }

  get isIdle(): boolean {
    return this.#open.size === 0;
  }

  /** Takes over a message without its prefix; its caller is answered once. */
  forward(caller: Caller, sync: boolean, id: number, bytes: Uint8Array, at: number, length: number): void {
    const encoding = encodingAt(bytes, at + REQUEST_HEADER_BYTES + readU32(bytes, at + 8), at + length);
    const problem = this.#refusal(length);
    if (problem !== null) {
      this.#failed++;
      if (!sync && !caller.asyncReply) return;
      return caller.answer(id, problem.code, errorBody(encoding, problem.code, problem.message));
    }
    const isAwaited = sync || caller.asyncReply;
    const own = this.#freeId();
    const slot = isAwaited ? caller.openRoute() : -1;
    const generation = isAwaited ? caller.routeGeneration : 0;
    this.#open.set(own, { slot, generation, id, encoding, since: this.parts.now() });
    const message = new Uint8Array(PREFIX_BYTES + length);
    message.set(bytes.subarray(at, at + length), PREFIX_BYTES);
    writeU32(message, 0, message.length);
    writeU32(message, PREFIX_BYTES, ((VERSION << 28) | own) >>> 0);
    this.#forwarded++;
    if (this.#link !== null) return this.#link.send(message);
    this.#held.push(message);
    this.#heldBytes += message.length;
    this.#dialing ??= this.#dial();
  }

  /** Answers those that have waited for too long. */
  check(): void {
    const before = this.parts.now() - this.parts.timeout();
    for (const [own, waiting] of this.#open) {
      // The oldest come first.
      if (waiting.since > before) break;
      this.#open.delete(own);
      this.#fail(waiting, `the server at ${this.to} has not answered in time`);
    }
    this.parts.routes.flush();
  }

  stats(): ForwardStats {
    return {
      to: this.to,
      names: [...this.names],
      connected: this.#link !== null,
      in_flight: this.#open.size,
      forwarded: this.#forwarded,
      failed: this.#failed,
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#dialing;
    await this.#link?.close();
    this.#link = null;
    this.#failAll("this server is stopping");
  }

  #refusal(length: number): { readonly code: number; readonly message: string } | null {
    const { to } = this;
    if (this.#closed) return { code: ReplyCode.Busy, message: "the server is stopping" };
    const pause = this.#pause;
    if (pause !== null && this.parts.now() < pause.until) {
      return { code: ReplyCode.Error, message: pause.why };
    }
    const waiting = this.#heldBytes + (this.#link?.waitingBytes ?? 0);
    if (this.#open.size < MAX_OPEN && waiting + length <= MAX_WAITING_BYTES) return null;
    this.parts.limitLog.reached("forward", { to });
    return { code: ReplyCode.Busy, message: `the server at ${to} has more to do than it gets done` };
  }

  #freeId(): number {
    do this.#lastId = this.#lastId >= MAX_REQUEST_ID ? 1 : this.#lastId + 1; while (
      this.#open.has(this.#lastId)
    );
    return this.#lastId;
  }

  async #dial(): Promise<void> {
    try {
      const socket = await sockets.openStream({ transport: "tcp", ...this.address }, {}, CONNECT_TIMEOUT_MS);
      if (this.#pause !== null) {
        this.parts.log.info("forwarding goes on", { to: this.to });
      }
      this.#pause = null;
      const link = new StreamLink(socket, MAX_REPLY_BYTES, {
        message: (bytes) => this.#replied(bytes),
        lost: (why) => {
          if (this.#link === link) this.#link = null;
          this.#lose(`the connection to the server at ${this.to} was lost: ${why}`);
        },
      });
      this.#link = link;
      for (const message of this.#held) link.send(message);
      this.#letGo();
    } catch (error) {
      this.#lose(
        `the server at ${this.to} cannot be reached: ${systemReason(error, "connect")}`,
      );
    }
    this.#dialing = null;
  }

  #replied(bytes: Uint8Array): void {
    if (bytes.length < 4) return;
    const id = readU32(bytes, 0);
    const waiting = this.#open.get(id);
    // One that came too late has been answered.
    if (waiting === undefined) return;
    this.#open.delete(id);
    if (waiting.slot < 0) return;
    const { routes } = this.parts;
    try {
      const { code, body } = readReply(bytes);
      if (body === null) {
        routes.deliver(waiting.slot, waiting.generation, waiting.id, code, 0, bytes, 0, 0);
      } else {
        const view = this.#view;
        view.locate(body, 0, body.length);
        const { slot, generation } = waiting;
        routes.deliver(slot, generation, waiting.id, code, view.encoding, body, view.at, view.length);
      }
    } catch (error) {
      this.#fail(
        waiting,
        `the reply of the server at ${this.to} cannot be read: ${error}`,
      );
    }
    routes.flush();
  }

  #lose(why: string): void {
    this.#letGo();
    if (!this.#closed) {
      if (this.#pause === null) this.parts.log.warn("forwarding has failed", { problem: why });
      this.#pause = { until: this.parts.now() + PAUSE_MS, why };
    }
    this.#failAll(why);
  }

  #letGo(): void {
    this.#held = [];
    this.#heldBytes = 0;
  }

  #failAll(why: string): void {
    const all = [...this.#open.values()];
    this.#open.clear();
    for (const waiting of all) this.#fail(waiting, why);
    this.parts.routes.flush();
  }

  #fail({ slot, generation, id, encoding }: Waiting, message: string): void {
    this.#failed++;
    if (slot < 0) return;
    const content = errorContent(encoding, ReplyCode.Error, message);
    this.parts.routes.deliver(slot, generation, id, ReplyCode.Error, encoding, content, 0, content.length);
  }
}
