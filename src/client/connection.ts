import type { JsonValue } from "../plugin.ts";
import { decodeBody, encodeBody, Encoding } from "../protocol/body.ts";
import { ReplyCode } from "../protocol/codes.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { readReply, type Reply } from "../protocol/reply.ts";
import { MAX_REQUEST_ID, writeRequest } from "../protocol/request.ts";
import { systemReason } from "../system_reason.ts";
import { describeAddress, type ServerAddress } from "./address.ts";
import { localHost, resolveDatagram } from "./datagram_address.ts";
import { DatagramLink } from "./datagram_link.ts";
import { DeadlineTimer } from "./deadline_timer.ts";
import { ConnectError, ConnectionLostError, TimeoutError, UnsendableError } from "./errors.ts";
import type { Link, LinkEvents } from "./link.ts";
import { patient } from "./patient.ts";
import { replyError } from "./reply_error.ts";
import type { TlsOptions } from "./runtime_sockets.ts";
import { sockets } from "./sockets.ts";
import { StreamLink } from "./stream_link.ts";

const DEFAULT_TIMEOUT_MS = 5000;
const DEFAULT_MAX_FRAME_BYTES = 64 * 1024;
/** Calls of one connection that may wait for their replies. */
const MAX_IN_FLIGHT = 65_536;
/** Bytes of requests that may wait behind the write under way, those of calls that were given up included. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024;
/** The longest time-out, in milliseconds: what a timer can hold. */
export const MAX_TIMEOUT_MS = 2 ** 31 - 1;
const MAX_COMMAND = 0xffff;
/** The reserved plugin that takes tokens. */
const LOGIN = { plugin: "Reserve.Auth", command: 1 } as const;

export interface ConnectionOptions {
  /** How long to wait for the connection, and for each reply where a call says nothing else; in ms, default 5000. */
  readonly timeoutMs?: number;
  /** The longest message on TCP and Unix sockets either way, in bytes; default 65,536, as the server's `max_frame`. */
  readonly maxFrame?: number;
  /**
   * Requests over UDP are made so long, in bytes, with zeros that no server reads: it answers with a few times the bytes of
   * the request at most, by default three. Without it they are as long as they are.
   */
  readonly padTo?: number;
  /** Of `tls` addresses. */
  readonly tls?: TlsOptions;
  /** Who this is, for a server that asks: it is shown before anything else is sent. Not over UDP. */
  readonly token?: string;
  /** Gives the try to connect up when it aborts. */
  readonly signal?: AbortSignal;
}

export interface CallOptions {
  /** In milliseconds. */
  readonly timeoutMs?: number;
  /** Gives the call up when it aborts; the server may process it all the same. */
  readonly signal?: AbortSignal;
}

/** A request whose body is encoded. */
export interface ClientRequest extends CallOptions {
  /** The plugin's name or business number. */
  readonly plugin: string | number;
  /** 1..65535. */
  readonly command: number;
  /** True to be answered when the operation has been processed, false when it is queued. */
  readonly sync: boolean;
  /** Asks, where it is not sync, for the operation's id: a body with `id` and `keep_ms`. */
  readonly wantsId?: boolean;
  /** Cells, as `encodeBody` writes them. */
  readonly body: Uint8Array;
}

/**
 * A reply whose body is decoded; `value` is undefined where there was none. Its numbers are exact: whole ones beyond ±2^53
 * bigints, others that no double holds ExactNumbers.
 */
export interface Answer {
  /** 1000 and above: success. */
  readonly code: number;
  readonly value: JsonValue | undefined;
}

interface Call {
  /** On the clock of `performance.now()`, in milliseconds. */
  readonly deadline: number;
  readonly timeoutMs: number;
  resolve(reply: Reply): void;
  reject(reason: unknown): void;
}

/**
 * A connection to a server (or a UDP socket that talks to one). Any number of calls up to 65,536 may wait for their
 * replies at once; replies may come in any order.
 *
 * ```ts
 * await using connection = await Connection.connect({ transport: "tcp", hostname: "127.0.0.1", port: 26000 });
 * const { code, value } = await connection.request("echo", 1001, { uid: 7 });
 * ```
 */
export class Connection implements AsyncDisposable {
  /** Replies to no call that waits: late ones, for the most part. */
  strayReplies = 0;
  readonly #link: Link;
  readonly #calls = new Map<number, Call>();
  readonly #timer = new DeadlineTimer((now) => this.#expire(now));
  readonly #ids = new RequestIds();
  /** Why no call can be made any more. */
  #lost: ConnectionLostError | undefined;

  private constructor(
    readonly address: ServerAddress,
    readonly timeoutMs: number,
    readonly padTo: number,
    open: (events: LinkEvents) => Link,
  ) {
    this.#link = open({
      message: (bytes) => this.#receive(bytes),
      lost: (why) => this.#lose(`lost ${describeAddress(address)}: ${why}`),
    });
  }

  /**
   * Connects, and logs in where there is a token. Throws ConnectError, at the latest after `timeoutMs`, AuthError where the login is
   * refused, TypeError where there is a token for UDP, the signal's reason; on UDP an absent server shows only in the calls.
   */
  static async connect(address: ServerAddress, options: ConnectionOptions = {}): Promise<Connection> {
    const { timeoutMs = DEFAULT_TIMEOUT_MS, token, signal } = options;
    checkTimeout(timeoutMs);
    sockets.checkTls(options.tls ?? {});
    if (token !== undefined) checkLogin(address.transport);
    const deadline = performance.now() + timeoutMs;
    const unreachable = (error: unknown) => {
      const why = systemReason(error, "connect");
      return new ConnectError(`cannot reach ${describeAddress(address)}: ${why}`, { cause: error });
    };
    const connection = await Connection.#open(address, timeoutMs, options).catch((error: unknown) => {
      signal?.throwIfAborted();
      throw unreachable(error);
    });
    if (token === undefined) return connection;
    try {
      await connection.#logIn(token, Math.max(1, deadline - performance.now()), signal);
      return connection;
    } catch (error) {
      await connection.close();
      const isGone = error instanceof TimeoutError || error instanceof ConnectionLostError;
      throw isGone ? unreachable(error) : error;
    }
  }

  static async #open(
    address: ServerAddress,
    timeoutMs: number,
    { maxFrame = DEFAULT_MAX_FRAME_BYTES, padTo = 0, tls = {}, signal }: ConnectionOptions,
  ): Promise<Connection> {
    if (address.transport === "udp") {
      const server = await patient(
        resolveDatagram(address, timeoutMs),
        performance.now() + timeoutMs,
        signal,
        () => new Error(`the host was not found within ${timeoutMs} ms`),
      );
      const socket = await sockets.openDatagrams(localHost(server));
      return new Connection(address, timeoutMs, padTo, (events) => new DatagramLink(socket, server, events));
    }
    const socket = await sockets.openStream(address, tls, timeoutMs, signal);
    return new Connection(address, timeoutMs, 0, (events) => new StreamLink(socket, maxFrame, events));
  }

  /** Throws AuthError where the token is refused. */
  async #logIn(token: string, timeoutMs: number, signal: AbortSignal | undefined): Promise<void> {
    const options = signal === undefined ? { timeoutMs } : { timeoutMs, signal };
    const { code, value } = await this.request(LOGIN.plugin, LOGIN.command, { token }, options);
    if (code < ReplyCode.Ok) throw replyError(code, value, `the login at ${describeAddress(this.address)}`);
  }

  /** False once the connection is lost or closed. */
  get isOpen(): boolean {
    return this.#lost === undefined;
  }

  /** Calls that wait for their replies. */
  get inFlight(): number {
    return this.#calls.size;
  }

  /**
   * Sends a request and waits for its reply, whatever its code. Throws TimeoutError, ConnectionLostError,
   * UnsendableError, or the signal's reason.
   */
  call(request: ClientRequest): Promise<Reply> {
    const { timeoutMs = this.timeoutMs, signal } = request;
    return new Promise((resolve, reject) => {
      if (this.#lost !== undefined) throw this.#lost;
      signal?.throwIfAborted();
      checkTimeout(timeoutMs);
      this.#checkRoom();
      const id = this.#ids.next(this.#calls);
      const message = this.#encode(id, request);
      const deadline = performance.now() + timeoutMs;
      if (signal === undefined) this.#calls.set(id, { deadline, timeoutMs, resolve, reject });
      else {
        const abort = () => this.#take(id)?.reject(signal.reason);
        signal.addEventListener("abort", abort, { once: true });
        const forget = () => signal.removeEventListener("abort", abort);
        this.#calls.set(id, {
          deadline,
          timeoutMs,
          resolve: (reply) => (forget(), resolve(reply)),
          reject: (reason) => (forget(), reject(reason)),
        });
      }
      this.#timer.watch(deadline);
      this.#link.send(message);
    });
  }

  /** As {@link call}, with JSON params and the reply decoded; waits for the processing unless `sync` is false. */
  async request(
    plugin: string | number,
    command: number,
    params: JsonValue = {},
    options: CallOptions & Partial<Pick<ClientRequest, "sync" | "wantsId">> = {},
  ): Promise<Answer> {
    const { sync = true, ...rest } = options;
    const body = encodeBody(Encoding.Json, params);
    const reply = await this.call({ plugin, command, sync, body, ...rest });
    return { code: reply.code, value: decodeBody(reply.body) };
  }

  /** Closes the connection; calls that still wait are rejected with ConnectionLostError. */
  async close(): Promise<void> {
    this.#lose("the connection was closed");
    await this.#link.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #checkRoom(): void {
    if (this.#calls.size >= MAX_IN_FLIGHT) {
      throw new UnsendableError(
        `${MAX_IN_FLIGHT} calls wait for replies: await some, or open another connection`,
      );
    }
    if (this.#link.waitingBytes >= MAX_WAITING_BYTES) {
      throw new UnsendableError(`${MAX_WAITING_BYTES} bytes wait to be sent: the server does not read them`);
    }
  }

  #encode(id: number, { plugin, command, sync, wantsId = false, body }: ClientRequest): Uint8Array {
    if (!Number.isInteger(command) || command < 1 || command > MAX_COMMAND) {
      throw new UnsendableError(`the command is ${command}: give a whole number from 1 to ${MAX_COMMAND}`);
    }
    const message = writeRequest(
      { id, command, sync, wantsId, plugin: String(plugin), body },
      this.#link.prefixed,
    );
    if (message.length > this.#link.maxMessageBytes) {
      const { transport } = this.address;
      throw new UnsendableError(
        `the message has ${message.length} bytes, ${transport} takes ${this.#link.maxMessageBytes}: ` +
          (transport === "udp" ? "send it over TCP" : "raise maxFrame, and max_frame of the server"),
      );
    }
    if (message.length >= this.padTo) return message;
    const padded = new Uint8Array(Math.min(this.padTo, this.#link.maxMessageBytes));
    padded.set(message);
    return padded;
  }

  #receive(bytes: Uint8Array): void {
    let reply: Reply;
    try {
      reply = readReply(bytes);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.strayReplies++;
      return;
    }
    const call = this.#take(reply.id);
    if (call === undefined) this.strayReplies++;
    // The bytes belong to the link's buffer.
    else call.resolve({ ...reply, body: reply.body?.slice() ?? null });
  }

  #take(id: number): Call | undefined {
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    return call;
  }

  #expire(now: number): number {
    let next = Infinity;
    for (const [id, call] of this.#calls) {
      if (call.deadline > now) next = Math.min(next, call.deadline);
      else {
        this.#calls.delete(id);
        const where = describeAddress(this.address);
        call.reject(new TimeoutError(`no reply from ${where} within ${call.timeoutMs} ms`));
      }
    }
    return next;
  }

  #lose(why: string): void {
    this.#lost ??= new ConnectionLostError(why);
    this.#timer.clear();
    for (const call of this.#calls.values()) call.reject(this.#lost);
    this.#calls.clear();
  }
}

/** Gives out request ids: 1 to 2^28-1, then from 1 again. */
export class RequestIds {
  constructor(private last = 0) {}

  /** The next id that is not in use; fewer than all must be. */
  next(inUse: { has(id: number): boolean }): number {
    do this.last = this.last >= MAX_REQUEST_ID ? 1 : this.last + 1; while (inUse.has(this.last));
    return this.last;
  }
}

/** Throws RangeError. */
export function checkTimeout(timeoutMs: number): void {
  if (timeoutMs > 0 && timeoutMs <= MAX_TIMEOUT_MS) return;
  throw new RangeError(`the time-out is ${timeoutMs} ms: give more than 0 and at most ${MAX_TIMEOUT_MS}`);
}

/** Throws TypeError where a token cannot be shown over that transport. */
export function checkLogin(transport: ServerAddress["transport"]): void {
  if (transport !== "udp") return;
  throw new TypeError("a token needs a connection: UDP has no login, use TCP, TLS or a Unix socket");
}
