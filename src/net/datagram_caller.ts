import { OPEN_ACCESS } from "../auth/access.ts";
import type { Identity } from "../auth/identity.ts";
import type { Encoding } from "../protocol/body.ts";
import { readU16 } from "../protocol/bytes.ts";
import { ReplyCode } from "../protocol/codes.ts";
import {
  contentReplyBytes,
  REPLY_HEADER_BYTES,
  replyBytes,
  writeContentReply,
  writeReply,
} from "../protocol/reply.ts";
import { FLAG_ID, FLAG_SYNC } from "../protocol/request.ts";
import type { AnswerKind, Caller } from "../router/caller.ts";
import type { ReplyTarget } from "../router/reply_routes.ts";
import { MAX_DATAGRAM_BYTES, MIN_DATAGRAM_BYTES } from "./datagram_listener.ts";
import { type Carried, contentOf, inCharset, smallerReply } from "./fitted_reply.ts";
import { passToRouter } from "./pass_to_router.ts";
import type { ListenerOptions } from "./listener_options.ts";
import type { Peers } from "./peers.ts";
import type { NetContext } from "./stream_handler.ts";

/**
 * The senders of a UDP socket's datagrams, as the router sees them: one for all of them, who answers whoever sent the
 * datagram that is being handled. How datagrams are received and sent is the subclass's.
 */
export abstract class DatagramCaller<Address> implements Caller {
  readonly maxBodyBytes = MAX_DATAGRAM_BYTES - REPLY_HEADER_BYTES;
  readonly hops = 0;
  /** Of the sender whose datagram is being handled. */
  identity: Identity | null = null;
  routeGeneration = 0;

  /** Sync operations that came in here and are not answered. */
  owed = 0;
  /** Bytes of the datagram that is being handled. */
  #requestBytes = 0;
  /** It asks for an id: that it was accepted is told also where there is no room for that. */
  #asksId = false;

  constructor(
    public options: ListenerOptions,
    readonly context: NetContext,
    readonly peers: Peers<Address>,
  ) {}

  get asyncReply(): boolean {
    return this.options.asyncReply;
  }

  /** Who sent the datagram that is being handled; valid until the next one. */
  protected abstract get sender(): Address;
  /** The same, to be kept. */
  protected abstract keepSender(): Address;
  /** Makes room for a reply of so many bytes in {@link out} and returns where it goes. */
  protected abstract reserve(bytes: number, to: Address): number;
  /** Where replies are written. */
  protected abstract readonly out: Uint8Array;
  /** Sends what has collected. */
  abstract flush(): void;
  /** Nothing more is owed to anybody. */
  protected abstract settled(): void;

  /** Takes the datagram of {@link sender}. */
  protected received(bytes: Uint8Array, at: number, length: number): void {
    const { router, counters, guard, limits, now } = this.context;
    if (this.options.access !== OPEN_ACCESS && !this.#letsIn()) return;
    if (length < MIN_DATAGRAM_BYTES || !guard.admits(bytes[at]!, this.sender, this.peers)) return;
    counters.udpMessages++;
    this.#requestBytes = length;
    this.#asksId = (readU16(bytes, at + 6) & (FLAG_SYNC | FLAG_ID)) === FLAG_ID;
    const most = Math.max(limits.maxFrame, MAX_DATAGRAM_BYTES);
    passToRouter(router, this, this.options.charset, bytes, at, length, most, now());
  }

  /** Whether the sender may be heard; takes it for who it is then. */
  #letsIn(): boolean {
    const { access } = this.options;
    const address = this.peers.host(this.sender);
    const isAllowed = access.admits(address);
    if (isAllowed) this.identity = access.stranger(address, null);
    else this.context.limitLog.reached("allow", { address });
    return isAllowed;
  }

  /** A datagram has no login. */
  login(): string {
    return "";
  }

  openRoute(): number {
    const { routes } = this.context;
    const route = new DatagramRoute(this, this.keepSender(), this.#requestBytes, this.#asksId);
    this.owed++;
    route.slot = routes.open(route);
    this.routeGeneration = routes.generation(route.slot);
    return route.slot;
  }

  answer(id: number, code: number, body: Uint8Array | null, kind: AnswerKind = "told"): void {
    const { guard } = this.context;
    const to = this.sender;
    const bytes = replyBytes(body === null ? 0 : body.length, false);
    const isPlain = body === null || this.options.charset === null;
    if (isPlain && bytes <= guard.mostBytes(this.#requestBytes, kind, to, this.peers)) {
      if (!guard.admitsCode(code, to, this.peers)) return;
      const at = this.reserve(bytes, to);
      writeReply(this.out, at, false, id, code, body);
      return;
    }
    const { encoding, content } = contentOf(body!);
    this.#send(to, this.#requestBytes, this.#asksId, id, code, encoding, content, 0, content.length, kind);
  }

  /** Datagrams have no order. */
  refuse(id: number, code: number, body: Uint8Array | null): void {
    this.answer(id, code, body);
  }

  /** Writes the reply of a sync operation. */
  deliver(
    route: DatagramRoute<Address>,
    id: number,
    code: number,
    encoding: Encoding | 0,
    source: Uint8Array,
    at: number,
    length: number,
  ): void {
    const { to, requestBytes, asksId } = route;
    this.#send(to, requestBytes, asksId, id, code, encoding, source, at, length, "result");
    this.owed--;
    if (this.owed === 0) this.settled();
  }

  /** Sends a reply, a smaller one in its place where it is too large, or none where its address gets too many. */
  #send(
    to: Address,
    requestBytes: number,
    asksId: boolean,
    id: number,
    code: number,
    encoding: Encoding | 0,
    source: Uint8Array,
    at: number,
    length: number,
    kind: AnswerKind,
  ): void {
    const { guard } = this.context;
    let bytes = contentReplyBytes(encoding, length, false);
    if (encoding !== 0) {
      if (this.options.charset !== null) {
        // A copy: no text is made of shared memory.
        const carried = inCharset(this.options.charset, code, encoding, source.slice(at, at + length));
        ({ code, content: source } = carried);
        at = 0;
        length = source.length;
        bytes = contentReplyBytes(encoding, length, false);
      }
      const most = guard.mostBytes(requestBytes, kind, to, this.peers);
      if (bytes > most && kind === "status" && bytes <= MAX_DATAGRAM_BYTES) {
        if (!guard.admitsStatus(to, this.peers)) return;
      } else if (bytes > most && asksId && code === ReplyCode.Ok) {
        encoding = 0;
        length = 0;
        bytes = contentReplyBytes(0, 0, false);
      } else if (bytes > most) {
        const smaller = this.#smaller(code, encoding, bytes, most, requestBytes);
        ({ code, encoding, content: source } = smaller);
        at = 0;
        length = source.length;
        bytes = contentReplyBytes(encoding, length, false);
      }
    }
    if (!guard.admitsCode(code, to, this.peers)) return;
    const start = this.reserve(bytes, to);
    writeContentReply(this.out, start, false, id, code, encoding, source, at, length);
  }

  #smaller(code: number, encoding: Encoding, bytes: number, most: number, requestBytes: number): Carried {
    const isRatio = bytes <= MAX_DATAGRAM_BYTES;
    if (isRatio) this.context.guard.replaced(bytes, requestBytes);
    // The code of an error says enough to whom little is to be sent.
    if (isRatio && code < ReplyCode.Ok) return smallerReply(code, encoding, 0);
    const why = isRatio
      ? `the reply has ${bytes} bytes, over UDP a request of ${requestBytes} gets ${most}: pad it, or ask over TCP`
      : `the reply has ${bytes} bytes, a datagram carries ${MAX_DATAGRAM_BYTES}: ask over TCP`;
    return smallerReply(code, encoding, most - REPLY_HEADER_BYTES, why, "ask over TCP");
  }
}

/** The sender of one datagram that waits for its result. */
class DatagramRoute<Address> implements ReplyTarget {
  slot = 0;

  constructor(
    readonly caller: DatagramCaller<Address>,
    readonly to: Address,
    readonly requestBytes: number,
    readonly asksId: boolean,
  ) {}

  deliver(
    id: number,
    code: number,
    encoding: Encoding | 0,
    bytes: Uint8Array,
    at: number,
    length: number,
  ): void {
    this.caller.context.routes.close(this.slot);
    this.caller.deliver(this, id, code, encoding, bytes, at, length);
  }

  flush(): void {
    this.caller.flush();
  }
}
