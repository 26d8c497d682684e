import { within } from "./until.ts";

/** One response as it came. */
export interface RawResponse {
  readonly status: number;
  /** Names in small letters. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

const READ_BYTES = 65_536;

/** A bare connection to an HTTP listener: sends what bytes it is given, reads responses as they come. */
export class RawHttp implements Disposable {
  #text = "";
  readonly #buffer = new Uint8Array(READ_BYTES);
  readonly #decoder = new TextDecoder();

  private constructor(readonly socket: Deno.TcpConn) {}

  static async connect({ hostname, port }: Pick<Deno.NetAddr, "hostname" | "port">): Promise<RawHttp> {
    const socket = await Deno.connect({ hostname, port });
    socket.setNoDelay(true);
    return new RawHttp(socket);
  }

  [Symbol.dispose](): void {
    try {
      this.socket.close();
    } catch {
      // It was closed already.
    }
  }

  async send(...parts: (string | Uint8Array)[]): Promise<void> {
    for (const part of parts) {
      const bytes = typeof part === "string" ? new TextEncoder().encode(part) : part;
      for (let sent = 0; sent < bytes.length;) sent += await this.socket.write(bytes.subarray(sent));
    }
  }

  /** The next response; throws where the server closes before its end. To HEAD there is no body. */
  async response(isHead = false): Promise<RawResponse> {
    const head = await this.#until("\r\n\r\n");
    const [first = "", ...lines] = head.split("\r\n");
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(first)?.[1]);
    if (Number.isNaN(status)) throw new Error(`no response begins like this: ${first}`);
    const headers = new Map(lines.map((line) => {
      const at = line.indexOf(":");
      return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()] as const;
    }));
    return { status, headers, body: await this.#body(headers, isHead || status < 200 || status === 204) };
  }

  /** All that comes until the server closes. */
  async rest(): Promise<string> {
    while (await this.#read());
    const text = this.#text;
    this.#text = "";
    return text;
  }

  async #body(headers: ReadonlyMap<string, string>, isEmpty: boolean): Promise<string> {
    if (isEmpty) return "";
    if (headers.get("transfer-encoding") === "chunked") {
      let body = "";
      for (;;) {
        const size = parseInt(await this.#until("\r\n"), 16);
        body += await this.#take(size);
        await this.#take(2);
        if (size === 0) return body;
      }
    }
    return await this.#take(Number(headers.get("content-length")));
  }

  /** The text before a mark, which goes, too. */
  async #until(mark: string): Promise<string> {
    for (;;) {
      const at = this.#text.indexOf(mark);
      if (at >= 0) {
        const text = this.#text.slice(0, at);
        this.#text = this.#text.slice(at + mark.length);
        return text;
      }
      if (!await this.#read()) throw new Error(`the server closed after ${JSON.stringify(this.#text)}`);
    }
  }

  /** So many bytes; what is beyond ASCII is not for this. */
  async #take(length: number): Promise<string> {
    while (this.#text.length < length) {
      if (!await this.#read()) throw new Error(`the server closed after ${JSON.stringify(this.#text)}`);
    }
    const text = this.#text.slice(0, length);
    this.#text = this.#text.slice(length);
    return text;
  }

  /** False at the end of the stream; a reset is an end, too. */
  async #read(): Promise<boolean> {
    try {
      const count = await within("a response", this.socket.read(this.#buffer));
      if (count === null) return false;
      this.#text += this.#decoder.decode(this.#buffer.subarray(0, count), { stream: true });
      return true;
    } catch (error) {
      if (error instanceof Deno.errors.ConnectionReset) return false;
      throw error;
    }
  }
}

/** A request as it goes over the wire; with a body its length and type. */
export function httpRequest(
  method: string,
  target: string,
  { body, headers = {} }: { readonly body?: string; readonly headers?: Readonly<Record<string, string>> } =
    {},
): string {
  const length = body === undefined ? {} : {
    "Content-Type": "application/json",
    "Content-Length": String(new TextEncoder().encode(body).length),
  };
  const lines = Object.entries({ Host: "mevent", ...length, ...headers }).map(([name, value]) =>
    `${name}: ${value}\r\n`
  );
  return `${method} ${target} HTTP/1.1\r\n${lines.join("")}\r\n${body ?? ""}`;
}
