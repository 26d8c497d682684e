import { Encoding } from "../protocol/body.ts";
import { ReplyCode } from "../protocol/codes.ts";
import { convertContent } from "../protocol/convert.ts";
import { PREFIX_BYTES } from "../protocol/frame.ts";
import { isLogin, isReserved } from "../router/reserved_plugins.ts";
import { NO_LOGIN } from "./authorize.ts";
import { BatchLine, LineProblem } from "./batch_line.ts";
import type { Exchange, Responder } from "./exchange.ts";
import { HttpError } from "./http_error.ts";
import { IdTable } from "./id_table.ts";
import { LineBuffer } from "./line_buffer.ts";
import { failureOf } from "./problem.ts";
import type { BodySink } from "./route.ts";
import { statusOf } from "./status.ts";

/** After so many lines the workers get what has been queued. */
const DISPATCH_EVERY = 256;
/** A chunk's size, in eight digits, and its line's end. */
const CHUNK_HEAD = "00000000\r\n";
const DIGITS = new TextEncoder().encode("0123456789abcdef");

const RESULT = new TextEncoder().encode(',"code":1000,"result":');
const ACCEPTED = new TextEncoder().encode(',"code":1000,"accepted":');
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const LINE_END = new TextEncoder().encode("}\n");
const NULL = new TextEncoder().encode("null");
const NONE = new TextEncoder().encode("{}");

/**
 * A batch: lines in, each an operation, and a line out for each as it is answered. It takes no more lines while as many
 * operations are under way as a connection may have, and the connection gives it none while too much is unread.
 */
export class Batch implements BodySink, Responder {
  taken = 0;
  readonly #lines = new LineBuffer();
  readonly #line = new BatchLine();
  readonly #ids = new IdTable();
  /** By the ids here: the operations that were to be queued alone. */
  readonly #asynchronous = new Set<number>();
  #hasEnded = false;
  /** Where the chunk begins that is being written; -1 where there is none. */
  #chunkAt = -1;
  readonly #isChunked: boolean;

  constructor(readonly exchange: Exchange) {
    exchange.responder = this;
    exchange.beginStream(200, { "Content-Type": "application/x-ndjson", "Cache-Control": "no-store" });
    this.#isChunked = exchange.head.minor > 0;
  }

  get isFull(): boolean {
    return this.#ids.size >= this.exchange.services.limits.maxInFlight;
  }

  get isAwaiting(): boolean {
    return this.#ids.size > 0;
  }

  get isPartial(): boolean {
    return this.#lines.partial > 0;
  }

  take(bytes: Uint8Array, at: number, length: number): number {
    const lines = this.#lines;
    const { router, limits } = this.exchange.services;
    const now = router.options.now();
    const end = at + length;
    for (let from = at; !this.isFull;) {
      const next = lines.next(bytes, from, end, limits.maxFrame);
      if (next === -2) {
        const what =
          `a line has more than ${limits.maxFrame} bytes (max_frame); what is behind it is not read`;
        throw new HttpError(413, what, {}, true);
      }
      if (next === -1) return length;
      this.#run(lines.bytes, lines.at, lines.end, now);
      if (this.taken % DISPATCH_EVERY === 0) router.dispatch();
      from = next;
      if (from === end) return length;
      at = from;
    }
    return length - (end - at);
  }

  end(): void {
    const lines = this.#lines;
    if (lines.rest()) {
      this.#run(lines.bytes, lines.at, lines.end, this.exchange.services.router.options.now());
    }
    this.#hasEnded = true;
    this.#endWhenDone();
  }

  fail(message: string): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.taken++;
    this.#tellProblem(this.#ids.put(NULL, 0, 0, this.taken), ReplyCode.Broken, 400, message);
    this.#endWhenDone();
  }

  seal(): void {
    if (this.#chunkAt < 0) return;
    const { output } = this.exchange;
    let size = output.length - this.#chunkAt - CHUNK_HEAD.length;
    for (let digit = 7; digit >= 0; digit--, size >>>= 4) {
      output.bytes[this.#chunkAt + digit] = DIGITS[size & 15]!;
    }
    output.addAscii("\r\n");
    this.#chunkAt = -1;
  }

  replied(
    id: number,
    code: number,
    encoding: Encoding | 0,
    bytes: Uint8Array,
    at: number,
    length: number,
  ): void {
    const isAsync = this.#asynchronous.delete(id);
    if (code < ReplyCode.Ok) {
      const { status, message } = failureOf(code, encoding, bytes, at, length);
      this.#tellProblem(id, code, status, message);
      return this.#endWhenDone();
    }
    if (encoding !== Encoding.Json) {
      bytes = encoding === 0
        ? (isAsync ? NONE : NULL)
        : convertContent(encoding, Encoding.Json, bytes.slice(at, at + length)) ?? NONE;
      at = 0;
      length = bytes.length;
    }
    const output = this.#begin(id);
    if (isAsync) output.add(ACCEPTED);
    else if (code === ReplyCode.Ok) output.add(RESULT);
    else output.addAscii(`,"code":${code},"result":`);
    const part = output.length;
    output.addPart(bytes, at, length);
    keepOnOneLine(output.bytes, part, output.length);
    output.add(LINE_END);
    this.#endWhenDone();
  }

  #run(bytes: Uint8Array, at: number, end: number, now: number): void {
    this.taken++;
    const line = this.#line;
    let problem: LineProblem | null = null;
    try {
      if (isBlank(bytes, at, end)) return;
      line.read(bytes, at, end);
    } catch (error) {
      if (!(error instanceof LineProblem)) throw error;
      problem = error;
    }
    const id = this.#ids.put(bytes, line.id.at, line.id.length, this.taken);
    if (problem !== null) {
      return this.#tellProblem(id, problem.code, statusOf(problem.code), problem.message);
    }
    const { exchange } = this;
    const { router, limits, message } = exchange.services;
    const { params, plugin, extra } = line;
    if (isLogin(plugin, 0, plugin.length)) {
      return this.#tellProblem(id, ReplyCode.Unknown, statusOf(ReplyCode.Unknown), NO_LOGIN);
    }
    if (
      extra !== null && router.options.registry.find(plugin, 0, plugin.length)?.duplicates === null
    ) {
      return this.#tellProblem(
        id,
        ReplyCode.BadParam,
        400,
        "the plugin remembers no keys: leave the key out",
      );
    }
    const isAsync = line.isAsync && !isReserved(plugin, 0, plugin.length);
    if (isAsync) this.#asynchronous.add(id);
    message.write(id, line.command, !isAsync, plugin, bytes, params.at, params.length, extra);
    if (message.length + PREFIX_BYTES > limits.maxFrame) {
      this.#asynchronous.delete(id);
      return this.#tellProblem(id, ReplyCode.Broken, 413, "the params are too long for max_frame");
    }
    if (router.handleContained(exchange, message.bytes, 0, message.length, now) === "close") {
      const problem = exchange.identity?.problem ?? null;
      if (problem !== null) throw new HttpError(403, `${problem}: the batch ends here`, {}, true);
      throw new HttpError(500, "a line met an error of the server's own; its log says which", {}, true);
    }
  }

  #tellProblem(id: number, code: number, status: number, message: string): void {
    const output = this.#begin(id);
    output.add(
      new TextEncoder().encode(`,"code":${code},"status":${status},"error":${JSON.stringify(message)}`),
    );
    output.add(LINE_END);
  }

  #begin(id: number) {
    const { output } = this.exchange;
    if (this.#chunkAt < 0 && this.#isChunked) {
      this.#chunkAt = output.length;
      output.addAscii(CHUNK_HEAD);
    }
    this.#ids.write(id, output);
    return output;
  }

  #endWhenDone(): void {
    if (!this.#hasEnded || this.#ids.size > 0 || this.exchange.isDone) return;
    this.seal();
    this.exchange.endStream();
  }
}

function isBlank(bytes: Uint8Array, at: number, end: number): boolean {
  while (at < end && bytes[at]! <= 0x20) at++;
  return at >= end;
}

/** Line ends of legal JSON stand between its tokens, where a space means the same. */
function keepOnOneLine(bytes: Uint8Array, from: number, to: number): void {
  const part = bytes.subarray(from, to);
  for (const end of [LF, CR]) {
    for (let at = part.indexOf(end); at >= 0; at = part.indexOf(end, at + 1)) part[at] = SPACE;
  }
}
