import { socketAddress } from "../../src/loadgen/dial.ts";
import type { StreamAddress } from "../../src/client/mod.ts";
import { MAX_DATAGRAM_BYTES } from "../../src/net/datagram_listener.ts";
import { type Libc, MSG_DONTWAIT, MSG_NOSIGNAL } from "../../src/net/libc.ts";
import { MessageBatch } from "../../src/net/message_batch.ts";
import type { Channel } from "./channel.ts";
import type { Mutator } from "./mutator.ts";
import { type Recorder, Route } from "./recorder.ts";
import { checkReply } from "./reply_check.ts";

const AF_INET = 2;
const SOCK_DGRAM_CLOEXEC = 0o2000002;
/** Datagrams sent with one call, and bytes that they may have together. */
const BATCH = 64;
const BATCH_BYTES = 512 * 1024;
/** With so many unanswered no more are sent, so that the server's buffer need not drop them. */
const MAX_UNANSWERED = 192;
/** Some are never answered, and some are dropped: after so long without a reply those are forgotten; in ms. */
const FORGET_MS = 10;

/** Sends spoiled datagrams in batches. */
export class DatagramChannel implements Channel {
  messages = 0;
  replies = 0;
  readonly #batch = new MessageBatch(BATCH, BATCH_BYTES);
  readonly #at = new Uint32Array(BATCH);
  readonly #lengths = new Uint32Array(BATCH);
  readonly #reply = new Uint8Array(MAX_DATAGRAM_BYTES);
  #unanswered = 0;
  #heardAt = 0;

  private constructor(
    readonly libc: Libc,
    readonly fd: number,
    readonly mutator: Mutator,
    readonly recorder: Recorder,
  ) {}

  /** `address` is the server's; its UDP port has the number of its TCP port. */
  static async open(
    libc: Libc,
    address: StreamAddress,
    mutator: Mutator,
    recorder: Recorder,
  ): Promise<DatagramChannel> {
    return new DatagramChannel(libc, await openDatagramSocket(libc, address), mutator, recorder);
  }

  turn(): void {
    this.#receive();
    const now = performance.now();
    if (this.#unanswered > MAX_UNANSWERED) {
      if (now - this.#heardAt < FORGET_MS) return;
      this.#unanswered = 0;
    }
    this.#heardAt = now;
    this.#send();
  }

  close(): void {
    this.libc.close(this.fd);
  }

  #send(): void {
    const batch = this.#batch;
    let used = 0;
    let count = 0;
    for (; count < BATCH && used + MAX_DATAGRAM_BYTES <= BATCH_BYTES; count++) {
      const length = this.mutator.write(batch.data, used, MAX_DATAGRAM_BYTES);
      batch.point(count, used, length, 0);
      this.#at[count] = used;
      this.#lengths[count] = length;
      used += length;
    }
    const sent = this.libc.sendmmsg(this.fd, batch.headers, count, MSG_DONTWAIT | MSG_NOSIGNAL);
    for (let i = 0; i < sent; i++) {
      this.recorder.add(Route.Udp, 0, batch.data, this.#at[i]!, this.#lengths[i]!);
    }
    if (sent <= 0) return;
    this.messages += sent;
    this.#unanswered += sent;
  }

  #receive(): void {
    for (let i = 0; i < 2 * BATCH; i++) {
      const count = this.libc.recv(this.fd, this.#reply, this.#reply.length, MSG_DONTWAIT);
      if (count < 0) return;
      checkReply(this.#reply.subarray(0, count), "UDP");
      this.replies++;
      if (this.#unanswered > 0) this.#unanswered--;
      this.#heardAt = performance.now();
    }
  }
}

/** A UDP socket that talks to that address alone. */
export async function openDatagramSocket(libc: Libc, address: StreamAddress): Promise<number> {
  const system = socketAddress(address);
  if (system === null) throw new Error("UDP needs an IPv4 address");
  const fd = libc.socket(AF_INET, SOCK_DGRAM_CLOEXEC, 0);
  if (fd < 0 || await libc.connect(fd, system, system.length) !== 0) {
    throw new Error("no UDP socket can be opened");
  }
  return fd;
}
