import { encodeBody, Encoding, ReplyCode } from "../../src/client/mod.ts";
import { FrameReader } from "../../src/protocol/frame.ts";
import { readReply } from "../../src/protocol/reply.ts";
import { writeRequest } from "../../src/protocol/request.ts";

/** No reply of the plugin is longer, in bytes. */
const MAX_REPLY_BYTES = 64 * 1024;

/**
 * Inserts of rows as they go over the wire, one after the other, made before the clock runs: a caller's own work is not
 * measured.
 */
export class RowRequests {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  /** Where each request begins, and where the last one ends. */
  readonly #starts: number[] = [0];

  constructor(uids: readonly number[]) {
    const requests = uids.map((uid) => {
      const body = encodeBody(Encoding.Json, { table: "visits", row: { uid, name: "a visitor's own name" } });
      return writeRequest({ id: uid + 1, plugin: "sql", command: 1001, sync: false, body }, true);
    });
    for (const { length } of requests) this.#starts.push(this.#starts.at(-1)! + length);
    this.#bytes = new Uint8Array(this.#starts.at(-1)!);
    for (const [index, request] of requests.entries()) this.#bytes.set(request, this.#starts[index]);
  }

  get count(): number {
    return this.#starts.length - 1;
  }

  bytes(from: number, to: number): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(this.#starts[from], this.#starts[to]);
  }
}

/** One connection that hands rows to the plugin `sql`, and has each of them acknowledged. */
export class RowCaller implements Disposable {
  readonly #frames = new FrameReader(MAX_REPLY_BYTES);

  private constructor(readonly conn: Deno.Conn) {}

  static async connect(port: number): Promise<RowCaller> {
    return new RowCaller(await Deno.connect({ hostname: "127.0.0.1", port }));
  }

  /** Keeps `depth` requests unanswered until all are. Throws where a row is not queued. */
  async send(
    requests: RowRequests,
    depth: number,
    answered: (count: number) => void = () => {},
  ): Promise<void> {
    for (let [sent, done] = [0, 0]; done < requests.count;) {
      const next = Math.min(requests.count, done + depth);
      if (next > sent) await this.#write(requests.bytes(sent, next));
      sent = next;
      const count = await this.#replies();
      done += count;
      answered(count);
    }
  }

  async #write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) at += await this.conn.write(bytes.subarray(at));
  }

  async #replies(): Promise<number> {
    const read = await this.conn.read(this.#frames.space());
    if (read === null) throw new Error("the server has closed the connection");
    this.#frames.received(read);
    let count = 0;
    for (let found = this.#frames.next(); found !== "more"; found = this.#frames.next()) {
      if (found === "illegal") throw new Error("the server has sent what is no reply");
      const { bytes, at, length } = this.#frames;
      const { code } = readReply(bytes.subarray(at, at + length));
      if (code !== ReplyCode.Ok) throw new Error(`a row was not queued: ${code}`);
      count++;
    }
    return count;
  }

  [Symbol.dispose](): void {
    this.conn.close();
  }
}
