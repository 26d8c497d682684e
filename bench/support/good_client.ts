import { toHex } from "../../tests/support/bytes.ts";
import type { StreamAddress } from "../../src/client/mod.ts";
import { encodeBody, Encoding } from "../../src/protocol/body.ts";
import { ReplyCode } from "../../src/protocol/codes.ts";
import { FrameReader } from "../../src/protocol/frame.ts";
import { readReply, type Reply } from "../../src/protocol/reply.ts";
import { writeRequest } from "../../src/protocol/request.ts";
import type { Random } from "../fuzz/random.ts";

/** A good client that hears nothing for so long has been failed, in ms. */
const SILENCE_MS = 5000;
const ENCODINGS = Object.values(Encoding);
const ECHO = 1001;
const NOTHING = 1002;
const UNKNOWN = 4000;
const CACHE_GET = 100;
const CACHE_SET = 101;

/** A reply that was not the one that was due, or none. */
export class WrongReply extends Error {
  override readonly name = "WrongReply";
}

/** What is to come for a request. */
interface Due {
  readonly code: number;
  /** undefined: whatever comes. */
  readonly body: Uint8Array | null | undefined;
  /** Its place among the echoes of its batch, which are answered in order; undefined: no matter when. */
  readonly order: number | undefined;
}

/**
 * A caller who keeps to the protocol, and takes nothing but what is due to him: every reply once, with its id, its
 * content, and in order. Sends in batches to a plugin that is `builtin:echo` with a concurrency of 1.
 */
export class GoodClient implements Disposable {
  /** Requests that were answered as they should. */
  answered = 0;
  /** Told how long it took from the write of a batch to its last reply, in µs. */
  onBatch: (microseconds: number) => void = () => {};
  readonly #frames = new FrameReader(64 * 1024);
  readonly #buffer = new Uint8Array(64 * 1024);
  #id = 0;

  private constructor(
    readonly socket: Deno.Conn,
    readonly plugin: string,
    readonly random: Random,
    /** Requests of a batch. */
    readonly depth: number,
    readonly silenceMs: number,
  ) {}

  static async connect(
    address: StreamAddress,
    plugin: string,
    random: Random,
    depth = 16,
    silenceMs = SILENCE_MS,
  ): Promise<GoodClient> {
    const socket = address.transport !== "unix"
      ? await Deno.connect({ hostname: address.hostname, port: address.port })
      : await Deno.connect({ transport: "unix", path: address.path });
    if ("setNoDelay" in socket) socket.setNoDelay(true);
    return new GoodClient(socket, plugin, random, depth, silenceMs);
  }

  /** Logs in. Throws WrongReply where that is refused. */
  async login(token: string): Promise<void> {
    const body = encodeBody(Encoding.Json, { token });
    const message = writeRequest({ id: 0, command: 1, sync: true, plugin: "Reserve.Auth", body }, true);
    await this.#within(this.socket.write(message));
    const reply = await this.#reply();
    if (reply.code < ReplyCode.Ok) throw new WrongReply(`the login was refused: ${shown(reply)}`);
  }

  /** Goes on until told to stop. Throws WrongReply. */
  async run(isOver: () => boolean): Promise<void> {
    while (!isOver()) await this.batch();
  }

  /** Sends a batch and checks what comes. Throws WrongReply. */
  async batch(): Promise<void> {
    const due = new Map<number, Due>();
    const messages: Uint8Array[] = [];
    while (messages.length < this.depth) messages.push(this.#request(due));
    const start = performance.now();
    for (const message of messages) {
      for (let sent = 0; sent < message.length;) {
        sent += await this.#within(this.socket.write(message.subarray(sent)));
      }
    }
    let order = 0;
    while (due.size > 0) {
      const reply = await this.#reply();
      const wanted = due.get(reply.id);
      due.delete(reply.id);
      if (wanted === undefined) throw new WrongReply(`a reply came that was not due: ${shown(reply)}`);
      if (wanted.code !== reply.code || !isSame(wanted.body, reply.body)) {
        throw new WrongReply(`instead of ${shown({ ...wanted, id: reply.id })} came ${shown(reply)}`);
      }
      if (wanted.order !== undefined && wanted.order !== order++) {
        throw new WrongReply(`the replies changed their order: ${shown(reply)} was number ${wanted.order}`);
      }
    }
    this.onBatch((performance.now() - start) * 1000);
    this.answered += messages.length;
  }

  [Symbol.dispose](): void {
    this.socket.close();
  }

  /** Makes one request and notes what is due for it. */
  #request(due: Map<number, Due>): Uint8Array {
    const { random, plugin } = this;
    const id = this.#id = (this.#id + 1) % 2 ** 28;
    const encoding = random.pick(ENCODINGS);
    const key = `good-${id % 50}`;
    const request = (
      command: number,
      params: Record<string, string | number>,
      sync: boolean,
      wanted: Omit<Due, "order">,
    ) => {
      const body = encodeBody(encoding, params);
      const order = command === ECHO
        ? [...due.values()].filter((each) => each.order !== undefined).length
        : undefined;
      due.set(id, { ...wanted, ...wanted.body === undefined && command === ECHO ? { body } : {}, order });
      return writeRequest({ id, command, sync, plugin, body }, true);
    };
    switch (random.below(12)) {
      case 0:
        return request(NOTHING, { id }, false, { code: 1000, body: null });
      case 1:
        return request(UNKNOWN, { id }, true, { code: 18, body: undefined });
      case 2:
        return request(CACHE_SET, { cachekey: key, cacheval: `value of ${key}` }, true, {
          code: 1000,
          body: null,
        });
      case 3:
        return request(CACHE_GET, { cachekey: `none-${id}` }, true, { code: 24, body: undefined });
      default:
        return request(ECHO, { id, text: "x".repeat(random.below(300)), word: String(random.next()) }, true, {
          code: 1000,
          body: undefined,
        });
    }
  }

  async #reply(): Promise<Reply> {
    for (;;) {
      const next = this.#frames.next();
      if (next === "illegal") throw new WrongReply("a reply of an illegal length came");
      if (next === "message") {
        const { bytes, at, length } = this.#frames;
        return readReply(bytes.slice(at, at + length));
      }
      const count = await this.#within(this.socket.read(this.#buffer));
      if (count === null) throw new WrongReply("the server closed the connection of a good client");
      this.#frames.push(this.#buffer.subarray(0, count));
    }
  }

  async #within<T>(work: Promise<T>): Promise<T> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => late.reject(new WrongReply(`a good client heard nothing for ${this.silenceMs} ms`)),
      this.silenceMs,
    );
    try {
      return await Promise.race([work, late.promise]);
    } catch (error) {
      if (error instanceof WrongReply) throw error;
      throw new WrongReply(
        `a good client's connection broke: ${error instanceof Error ? error.message : error}`,
      );
    } finally {
      clearTimeout(timer);
    }
  }
}

function isSame(wanted: Uint8Array | null | undefined, got: Uint8Array | null): boolean {
  if (wanted === undefined) return true;
  if (wanted === null || got === null) return wanted === got;
  return wanted.length === got.length && wanted.every((byte, at) => byte === got[at]);
}

function shown(
  { id, code, body }: { id: number; code: number; body: Uint8Array | null | undefined },
): string {
  return `id ${id}, code ${code}, ${body ? toHex(body) : "no body"}`;
}
