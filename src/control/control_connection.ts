import { stringifyJson } from "../exact_json.ts";
import type { JsonObject } from "../plugin.ts";
import { LineError, LineReader } from "../protocol/line_reader.ts";
import type { ControlDoor } from "./control_door.ts";

/** The longest request, in bytes. */
export const MAX_REQUEST_BYTES = 64 * 1024;
const READ_BYTES = 4096;

/** What one connection is bounded by, in ms. */
export interface ControlTimes {
  /** From the first byte of a request to its last. */
  readonly line: number;
  /** Without a request. */
  readonly idle: number;
  /** Between two signs of life while a request is worked on. */
  readonly progress: number;
  /** For the other side to take a line. */
  readonly write: number;
}

/** Works on one request; `progress` may be asked meanwhile. */
export interface ControlTask {
  readonly answer: Promise<JsonObject>;
  progress(): JsonObject;
}

/** A request line as a task; throws LineError where the line is no request at all, and the connection is to end. */
export type ControlHandler = (line: string, door: ControlDoor) => ControlTask;

const encoder = new TextEncoder();

/**
 * One control connection: a request a line, answered one after the other, a line each; before it `{"progress": …}` lines
 * while the work goes on. What is no JSON object ends the connection, so that no other protocol's message (a web page
 * that makes a browser post here) reaches a second line.
 */
export class ControlConnection {
  readonly ended: Promise<void>;
  readonly #reader = new LineReader(MAX_REQUEST_BYTES);
  #timer: number | undefined;
  #isRunning = false;
  #isFinishing = false;
  #isClosed = false;
  /** The last line that was sent; the next one waits for it. */
  #sending: Promise<void> = Promise.resolve();
  #isSending = false;
  #onDeaf: (error: Error) => void = () => {};
  /** The last write, which may go on after {@link ended}: until then a descriptor is held. */
  written: Promise<void> = Promise.resolve();

  constructor(
    readonly socket: Deno.Conn,
    readonly handle: ControlHandler,
    readonly door: ControlDoor,
    readonly times: ControlTimes,
  ) {
    this.ended = this.#serve();
  }

  /** Ends once what is asked has been answered. */
  finish(): void {
    this.#isFinishing = true;
    if (!this.#isRunning) this.close();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#timer);
    try {
      this.socket.close();
    } catch {
      // It was closed already, by the other side's reset.
    }
  }

  async #serve(): Promise<void> {
    const buffer = new Uint8Array(READ_BYTES);
    try {
      this.#expectWithin(this.times.idle, "no request came");
      while (!this.#isFinishing) {
        const count = await this.socket.read(buffer);
        if (count === null) break;
        await this.#received(buffer.subarray(0, count));
      }
    } catch (error) {
      if (error instanceof LineError) await this.#refuse(error.message);
      // Else the other side has gone, or we have closed the connection under the pending read.
    }
    this.close();
  }

  async #received(bytes: Uint8Array): Promise<void> {
    const wasPartial = this.#reader.isPartial;
    const lines = this.#reader.push(bytes);
    for (const line of lines) {
      if (this.#isFinishing) return;
      await this.#run(line);
    }
    // A line that goes on keeps the time that it began with.
    if (!this.#reader.isPartial) this.#expectWithin(this.times.idle, "no request came");
    else if (!wasPartial || lines.length > 0) this.#expectWithin(this.times.line, "the request did not end");
  }

  async #run(line: string): Promise<void> {
    clearTimeout(this.#timer);
    this.#isRunning = true;
    let progress: number | undefined;
    try {
      const task = this.handle(line, this.door);
      progress = setInterval(() => {
        // Where nobody reads, lines do not collect.
        if (!this.#isSending) this.#send({ progress: task.progress() }).catch(() => clearInterval(progress));
      }, this.times.progress);
      const deaf = Promise.withResolvers<never>();
      this.#onDeaf = deaf.reject;
      deaf.promise.catch(() => {});
      const answer = await Promise.race([task.answer, deaf.promise]);
      clearInterval(progress);
      await this.#send(answer);
    } finally {
      clearInterval(progress);
      this.#isRunning = false;
    }
  }

  #send(line: JsonObject): Promise<void> {
    const bytes = encoder.encode(`${stringifyJson(line)}\n`);
    this.#sending = this.#sending.then(async () => {
      this.#isSending = true;
      await this.#withinTime(this.#write(bytes));
      this.#isSending = false;
    });
    return this.#sending;
  }

  async #write(bytes: Uint8Array): Promise<void> {
    for (let sent = 0; sent < bytes.length;) sent += await this.socket.write(bytes.subarray(sent));
  }

  /** Who does not read keeps no place: the connection ends, though its write stays under way until the other side closes. */
  async #withinTime(write: Promise<void>): Promise<void> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      const error = new Error("the other side does not read");
      this.close();
      late.reject(error);
      this.#onDeaf(error);
    }, this.times.write);
    this.written = write.catch(() => {});
    try {
      await Promise.race([write, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  #expectWithin(ms: number, otherwise: string): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#expire(`${otherwise} within ${ms / 1000} s`), ms);
  }

  async #expire(reason: string): Promise<void> {
    await this.#refuse(reason);
    this.close();
  }

  async #refuse(error: string): Promise<void> {
    try {
      await this.#send({ ok: false, error });
    } catch {
      // It has gone.
    }
  }
}
