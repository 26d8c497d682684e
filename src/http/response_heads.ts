import type { ServerCounters } from "../observe/server_stats.ts";
import { phraseOf } from "./status.ts";

const encoder = new TextEncoder();

const JSON_TYPE = "application/json";

/** Heads of responses, with the date of this second; one serves all connections. */
export class ResponseHeads {
  #second = -1;
  #date = "";
  #json = new Uint8Array(0);
  #accepted = new Uint8Array(0);

  /**
   * @param responses counts them by status
   * @param now the time of day, in ms
   */
  constructor(
    readonly responses: ServerCounters["httpResponses"],
    readonly now: () => number = Date.now,
  ) {}

  /** The head of a 200 in JSON up to its length's digits. */
  get json(): Uint8Array {
    this.#refresh();
    this.responses[200]!++;
    return this.#json;
  }

  /** The head of a 202 in JSON up to the operation's id. */
  get accepted(): Uint8Array {
    this.#refresh();
    this.responses[202]!++;
    return this.#accepted;
  }

  /** A head whose body has that length; null where it comes in chunks, undefined where there is none, not even an empty one. */
  head(
    status: number,
    headers: Readonly<Record<string, string>>,
    length: number | null | undefined,
    closes: boolean,
    minor: number,
  ): Uint8Array {
    this.#refresh();
    this.responses[status]!++;
    let text = `HTTP/1.1 ${status} ${phraseOf(status)}\r\nDate: ${this.#date}\r\n`;
    for (const [name, value] of Object.entries(headers)) text += `${name}: ${value}\r\n`;
    if (length === null) text += minor === 0 ? "" : "Transfer-Encoding: chunked\r\n";
    else if (length !== undefined) text += `Content-Length: ${length}\r\n`;
    if (closes) text += "Connection: close\r\n";
    else if (minor === 0) text += "Connection: keep-alive\r\n";
    return encoder.encode(`${text}\r\n`);
  }

  #refresh(): void {
    const now = this.now();
    const second = Math.floor(now / 1000);
    if (second === this.#second) return;
    this.#second = second;
    this.#date = new Date(now).toUTCString();
    this.#json = encoder.encode(
      `HTTP/1.1 200 OK\r\nDate: ${this.#date}\r\nContent-Type: ${JSON_TYPE}\r\nContent-Length: `,
    );
    this.#accepted = encoder.encode(
      `HTTP/1.1 202 Accepted\r\nDate: ${this.#date}\r\nContent-Type: ${JSON_TYPE}\r\nLocation: /v1/operations/`,
    );
  }
}
