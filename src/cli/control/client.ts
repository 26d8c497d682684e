import { describeAddress, type StreamAddress } from "../../client/address.ts";
import { ConnectError, ConnectionLostError, TimeoutError } from "../../client/errors.ts";
import { dial } from "../../client/deno_sockets.ts";
import { parseJson } from "../../exact_json.ts";
import type { JsonObject, JsonValue } from "../../plugin.ts";
import { LineError, LineReader } from "../../protocol/line_reader.ts";
import { systemReason } from "../../system_reason.ts";

/** The longest answer: the longest list that a server gives, with room to spare; in bytes. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
const READ_BYTES = 64 * 1024;

/** The server has not done what it was asked for; the message is its sentence. */
export class RefusedError extends Error {
  override readonly name = "RefusedError";
}

/** An answer that is none of mevent's control protocol. */
export class AnswerError extends Error {
  override readonly name = "AnswerError";
}

/** A connection to a server's control socket. One call at a time. */
export class ControlClient implements Disposable {
  readonly #reader = new LineReader(MAX_ANSWER_BYTES);
  readonly #buffer = new Uint8Array(READ_BYTES);
  readonly #lines: string[] = [];

  private constructor(
    readonly conn: Deno.Conn,
    readonly address: StreamAddress,
    readonly timeoutMs: number,
    readonly token: string | undefined,
  ) {}

  /** Throws ConnectError. */
  static async connect(address: StreamAddress, timeoutMs: number, token?: string): Promise<ControlClient> {
    const where = describeAddress(address);
    try {
      return new ControlClient(await dial(address, timeoutMs), address, timeoutMs, token);
    } catch (error) {
      throw new ConnectError(
        `cannot reach the control socket at ${where}: ${systemReason(error, "connect")}`,
      );
    }
  }

  /**
   * Asks and waits for the answer, however long that takes as long as the server gives signs of life. Throws RefusedError,
   * TimeoutError, ConnectionLostError and AnswerError.
   */
  async call(request: JsonObject, onProgress: (progress: JsonObject) => void = () => {}): Promise<JsonValue> {
    const { token } = this;
    const whole = token === undefined ? request : { ...request, token };
    await this.#write(new TextEncoder().encode(`${JSON.stringify(whole)}\n`));
    for (;;) {
      const line = parse(await this.#line());
      if (isObject(line["progress"])) onProgress(line["progress"]);
      else if (line["ok"] === true && line["result"] !== undefined) return line["result"];
      else if (typeof line["error"] === "string") throw new RefusedError(line["error"]);
      else throw notMevent();
    }
  }

  [Symbol.dispose](): void {
    this.close();
  }

  close(): void {
    try {
      this.conn.close();
    } catch {
      // It was closed already.
    }
  }

  async #write(bytes: Uint8Array): Promise<void> {
    try {
      for (let sent = 0; sent < bytes.length;) sent += await this.conn.write(bytes.subarray(sent));
    } catch {
      // The server may have said why before it closed: reading tells.
    }
  }

  async #line(): Promise<string> {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      this.close();
    }, this.timeoutMs);
    try {
      for (;;) {
        const line = this.#lines.shift();
        if (line !== undefined) return line;
        const count = await this.conn.read(this.#buffer);
        if (count === null) throw new ConnectionLostError("the server closed the control connection");
        this.#lines.push(...this.#reader.push(this.#buffer.subarray(0, count)));
      }
    } catch (error) {
      if (isLate) {
        throw new TimeoutError(`no answer from ${describeAddress(this.address)} within ${this.timeoutMs} ms`);
      }
      if (error instanceof LineError) throw notMevent();
      if (error instanceof ConnectionLostError) throw error;
      throw new ConnectionLostError(`the control connection was lost: ${systemReason(error, "connect")}`);
    } finally {
      clearTimeout(timer);
    }
  }
}

function parse(line: string): JsonObject {
  try {
    const value = parseJson(line);
    if (isObject(value)) return value;
  } catch {
    // Said below.
  }
  throw notMevent();
}

function notMevent(): AnswerError {
  return new AnswerError("what listens there does not answer as a control socket of mevent does");
}

/** Whether it is a JSON object. */
export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
