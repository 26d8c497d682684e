import type { JsonObject } from "../../src/plugin.ts";
import { LineReader } from "../../src/protocol/line_reader.ts";
import { within } from "./until.ts";

/** A control connection that sends any bytes and reads lines. */
export class RawControl implements Disposable {
  readonly #reader = new LineReader(16 * 1024 * 1024);
  readonly #lines: string[] = [];
  readonly #buffer = new Uint8Array(64 * 1024);

  constructor(readonly socket: Deno.Conn) {}

  [Symbol.dispose](): void {
    try {
      this.socket.close();
    } catch {
      // It has been closed by the test.
    }
  }

  async send(text: string | Uint8Array): Promise<void> {
    const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
    for (let sent = 0; sent < bytes.length;) sent += await this.socket.write(bytes.subarray(sent));
  }

  /** Sends a request and returns the answer behind its progress lines. */
  async ask(request: JsonObject): Promise<JsonObject> {
    await this.send(`${JSON.stringify(request)}\n`);
    return await this.answer();
  }

  async answer(): Promise<JsonObject> {
    for (;;) {
      const line = await this.line();
      if (line === null) throw new Error("the server closed the control connection");
      const value: JsonObject = JSON.parse(line);
      if (value["progress"] === undefined) return value;
    }
  }

  /** The next line; null where the server has closed the connection. */
  line(): Promise<string | null> {
    return within("a control line", this.#line());
  }

  async #line(): Promise<string | null> {
    for (;;) {
      const line = this.#lines.shift();
      if (line !== undefined) return line;
      try {
        const count = await this.socket.read(this.#buffer);
        if (count === null) return null;
        this.#lines.push(...this.#reader.push(this.#buffer.subarray(0, count)));
      } catch (error) {
        if (error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BrokenPipe) {
          return null;
        }
        throw error;
      }
    }
  }
}
