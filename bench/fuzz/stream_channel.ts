import type { StreamAddress } from "../../src/client/mod.ts";
import type { EpollHandler, EpollSet } from "../../src/net/epoll_set.ts";
import { EPOLLIN, type Libc } from "../../src/net/libc.ts";
import { writeU32 } from "../../src/protocol/bytes.ts";
import { FrameReader, PREFIX_BYTES } from "../../src/protocol/frame.ts";
import { MIN_REQUEST_BYTES, VERSION } from "../../src/protocol/request.ts";
import { NativeSocket } from "../support/native_socket.ts";
import type { Channel } from "./channel.ts";
import type { Mutator } from "./mutator.ts";
import { type Recorder, Route } from "./recorder.ts";
import { checkReply } from "./reply_check.ts";

const MAX_FRAME = 64 * 1024;
const BUFFER_BYTES = 256 * 1024;
/** The most messages of one write. */
const MAX_PIPELINED = 64;
/** With so many unanswered no more are sent: they would wait in the kernel's buffers, and be lost with the connection. */
const MAX_UNANSWERED = 256;
/** What lies about its length is never answered: after so long without a reply the next connection is opened; in ms. */
const GIVE_UP_MS = 200;
/** Once in so many writes they leave in small pieces, wherever those end. */
const SPLIT = 8;
const MAX_PIECE = 40;
/** Once in so many messages the prefix lies about the length. */
const LYING_PREFIX = 512;
const LIES = [0, 1, 4, 8, 9, 0xffff, 0x10000, 0x10001, 0x7fffffff, 0x80000000, 0xffffffff];
/** Once in so many messages a wrong version or a message too short is left as it is: the server closes over them. */
const FATAL = 32;
/** Once in so many writes the connection is ended, wherever it is. */
const LEAVE = 512;

/** Sends spoiled messages over connections, one at a time, and opens the next where the server closes one. */
export class StreamChannel implements Channel, EpollHandler {
  messages = 0;
  replies = 0;
  /** Connections so far. */
  connections = 0;
  readonly #buffer = new Uint8Array(BUFFER_BYTES);
  readonly #reply = new Uint8Array(64 * 1024);
  #frames = new FrameReader(MAX_FRAME);
  #socket: NativeSocket | null = null;
  #dialing = false;
  #number = 0;
  /** What of the buffer is to be sent, and has been. */
  #length = 0;
  #sent = 0;
  #isSplit = false;
  #unanswered = 0;
  #heardAt = 0;
  #closed = false;

  constructor(
    readonly libc: Libc,
    readonly epoll: EpollSet,
    readonly address: StreamAddress,
    readonly mutator: Mutator,
    readonly recorder: Recorder,
    /** The next connection's number, for the record. */
    readonly nextNumber: () => number,
  ) {}

  turn(): void {
    const socket = this.#socket;
    if (socket === null) return this.#dial();
    const { random } = this.mutator;
    if (this.#sent === this.#length) {
      if (this.#isFull()) return;
      if (random.oneIn(LEAVE)) return this.#leave();
      this.#fill();
    }
    const left = this.#length - this.#sent;
    const wanted = this.#isSplit ? Math.min(left, 1 + random.below(MAX_PIECE)) : left;
    const piece = this.#buffer.subarray(this.#sent, this.#sent + wanted);
    const count = socket.send(piece);
    if (count <= 0) return;
    const { transport } = this.address;
    this.recorder.add(transport === "tcp" ? Route.Tcp : Route.Unix, this.#number, piece, 0, count);
    this.#sent += count;
  }

  /** Replies have come, or the connection has ended. */
  ready(): void {
    const count = this.#socket?.receive(this.#reply) ?? 0;
    // Ready, and yet nothing: the end, or an error.
    if (count <= 0) return this.#drop();
    this.#frames.push(this.#reply.subarray(0, count));
    for (let next = this.#frames.next(); next !== "more"; next = this.#frames.next()) {
      const { bytes, at, length } = this.#frames;
      checkReply(
        next === "illegal" ? new Uint8Array() : bytes.subarray(at, at + length),
        this.address.transport,
      );
      this.replies++;
      this.#unanswered--;
    }
    this.#heardAt = performance.now();
  }

  close(): void {
    this.#closed = true;
    this.#drop();
  }

  /** So much is unanswered that the server is to have its turn; one that stays silent has been told a wrong length. */
  #isFull(): boolean {
    if (this.#unanswered <= MAX_UNANSWERED) return false;
    if (performance.now() - this.#heardAt > GIVE_UP_MS) this.#drop();
    return true;
  }

  #fill(): void {
    const { random } = this.mutator;
    const bytes = this.#buffer;
    let at = 0;
    for (let count = 1 + random.below(MAX_PIPELINED); count > 0 && at + MAX_FRAME <= BUFFER_BYTES; count--) {
      const message = at + PREFIX_BYTES;
      let length = this.mutator.write(bytes, message, MAX_FRAME - PREFIX_BYTES);
      if (!random.oneIn(FATAL)) {
        while (length < MIN_REQUEST_BYTES) bytes[message + length++] = 0;
        bytes[message] = (VERSION << 4) | (bytes[message]! & 15);
      }
      const total = PREFIX_BYTES + length;
      writeU32(
        bytes,
        at,
        random.oneIn(LYING_PREFIX) ? lie(random.below(3), total, random.pick(LIES)) : total,
      );
      at += total;
      this.messages++;
      this.#unanswered++;
    }
    this.#length = at;
    this.#sent = 0;
    this.#isSplit = random.oneIn(SPLIT);
  }

  #dial(): void {
    if (this.#dialing || this.#closed) return;
    this.#dialing = true;
    NativeSocket.dial(this.libc, this.address, 1).then(([socket]) => {
      this.#dialing = false;
      if (socket === undefined) return;
      if (this.#closed) return socket.close();
      this.#socket = socket;
      this.#number = this.nextNumber();
      this.connections++;
      this.#length = this.#sent = this.#unanswered = 0;
      this.#heardAt = performance.now();
      this.#frames = new FrameReader(MAX_FRAME);
      this.epoll.add(socket.fd, EPOLLIN, this);
    });
  }

  /** Says good-bye in one of the ways that clients have. */
  #leave(): void {
    if (this.mutator.random.oneIn(3)) return this.#socket?.shutdown();
    this.#drop();
  }

  #drop(): void {
    const socket = this.#socket;
    if (socket === null) return;
    this.#socket = null;
    this.epoll.remove(socket.fd);
    if (this.mutator.random.oneIn(2)) socket.reset();
    else socket.close();
  }
}

function lie(kind: number, total: number, edge: number): number {
  return kind === 0 ? total + 1 : kind === 1 ? total - 1 : edge;
}
