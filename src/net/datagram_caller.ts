import type { Encoding } from "../protocol/body.ts";
import { ReplyCode } from "../protocol/codes.ts";
import {
  contentReplyBytes,
  REPLY_HEADER_BYTES,
  replyBytes,
  writeContentReply,
  writeReply,
} from "../protocol/reply.ts";
import type { Caller } from "../router/caller.ts";
import type { ReplyTarget } from "../router/reply_routes.ts";
import { MAX_DATAGRAM_BYTES } from "./datagram_listener.ts";
import type { NetContext } from "./stream_handler.ts";

/**
 * The senders of a UDP socket's datagrams, as the router sees them: one for all of them, who answers whoever sent the
 * datagram that is being handled. How datagrams are received and sent is the subclass's.
 */
export abstract class DatagramCaller<Address> implements Caller {
  readonly maxBodyBytes = MAX_DATAGRAM_BYTES - REPLY_HEADER_BYTES;
  readonly hops = 0;
  routeGeneration = 0;

  /** Sync operations that came in here and are not answered. */
  owed = 0;

  constructor(public asyncReply: boolean, readonly context: NetContext) {}

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

  openRoute(): number {
    const { routes } = this.context;
    const route = new DatagramRoute(this, this.keepSender());
    this.owed++;
    route.slot = routes.open(route);
    this.routeGeneration = routes.generation(route.slot);
    return route.slot;
  }

  answer(id: number, code: number, body: Uint8Array | null): void {
    const at = this.reserve(replyBytes(body === null ? 0 : body.length, false), this.sender);
    writeReply(this.out, at, false, id, code, body);
  }

  /** Datagrams have no order. */
  refuse(id: number, code: number, body: Uint8Array | null): void {
    this.answer(id, code, body);
  }

  /** Writes the reply of a sync operation; the bare code 22 where it does not fit a datagram. */
  deliver(
    to: Address,
    id: number,
    code: number,
    encoding: Encoding | 0,
    source: Uint8Array,
    sourceAt: number,
    length: number,
  ): void {
    this.owed--;
    const size = contentReplyBytes(encoding, length, false);
    if (size > MAX_DATAGRAM_BYTES) {
      const at = this.reserve(replyBytes(0, false), to);
      writeReply(this.out, at, false, id, ReplyCode.Pack, null);
      return;
    }
    const at = this.reserve(size, to);
    writeContentReply(this.out, at, false, id, code, encoding, source, sourceAt, length);
  }
}

/** The sender of one datagram that waits for its result. */
class DatagramRoute<Address> implements ReplyTarget {
  slot = 0;

  constructor(readonly caller: DatagramCaller<Address>, readonly to: Address) {}

  deliver(
    id: number,
    code: number,
    encoding: Encoding | 0,
    bytes: Uint8Array,
    at: number,
    length: number,
  ): void {
    this.caller.context.routes.close(this.slot);
    this.caller.deliver(this.to, id, code, encoding, bytes, at, length);
  }

  flush(): void {
    this.caller.flush();
  }
}
