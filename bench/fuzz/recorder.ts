import { readU32, writeU32 } from "../../src/protocol/bytes.ts";

/** Where bytes went. */
export const Route = { Udp: 0, Tcp: 1, Unix: 2 } as const;
export type Route = typeof Route[keyof typeof Route];

/** One datagram, or one write on a connection. */
export interface Sent {
  readonly route: Route;
  /** Which connection; 0 for datagrams. */
  readonly connection: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Route, connection and length, four bytes each. */
const HEADER_BYTES = 12;

/**
 * Remembers the last bytes that were sent, for a replay. Two halves take turns: a full one makes room by dropping the
 * older.
 *
 * ```
 * | route | connection | length | bytes ... | route | ...
 * ```
 */
export class Recorder {
  #current: Uint8Array<ArrayBuffer>;
  #older: Uint8Array<ArrayBuffer>;
  #used = 0;
  #olderUsed = 0;

  constructor(halfBytes = 4 * 1024 * 1024) {
    this.#current = new Uint8Array(halfBytes);
    this.#older = new Uint8Array(halfBytes);
  }

  add(route: Route, connection: number, bytes: Uint8Array, at: number, length: number): void {
    if (this.#used + HEADER_BYTES + length > this.#current.length) {
      [this.#current, this.#older] = [this.#older, this.#current];
      this.#olderUsed = this.#used;
      this.#used = 0;
    }
    const to = this.#current;
    writeU32(to, this.#used, route);
    writeU32(to, this.#used + 4, connection);
    writeU32(to, this.#used + 8, length);
    this.#used += HEADER_BYTES;
    to.set(bytes.subarray(at, at + length), this.#used);
    this.#used += length;
  }

  /** All that is remembered, the oldest first. */
  *sent(): Generator<Sent> {
    yield* entries(this.#older.subarray(0, this.#olderUsed));
    yield* entries(this.#current.subarray(0, this.#used));
  }
}

function* entries(bytes: Uint8Array): Generator<Sent> {
  for (let at = 0; at < bytes.length;) {
    const length = readU32(bytes, at + 8);
    const from = at + HEADER_BYTES;
    yield {
      route: routeOf(readU32(bytes, at)),
      connection: readU32(bytes, at + 4),
      bytes: bytes.slice(from, from + length),
    };
    at = from + length;
  }
}

function routeOf(number: number): Route {
  return number === Route.Udp ? Route.Udp : number === Route.Tcp ? Route.Tcp : Route.Unix;
}

const NAMES = ["udp", "tcp", "unix"] as const;

/** A line a message: `udp 0 HEX`, `tcp 12 HEX` with the number of the connection. */
export function sentAsText(sent: Iterable<Sent>): string {
  let text = "";
  for (const { route, connection, bytes } of sent) text += `${NAMES[route]} ${connection} ${bytes.toHex()}\n`;
  return text;
}

/** Reads what {@link sentAsText} wrote. Throws where a line is none of its. */
export function parseSent(text: string): Sent[] {
  return text.split("\n").filter((line) => line !== "").map((line, index) => {
    const [name = "", connection = "", hex = ""] = line.split(" ");
    const route = NAMES.findIndex((each) => each === name);
    if (route < 0 || !/^\d+$/.test(connection)) {
      throw new Error(`line ${index + 1} is no "udp|tcp|unix NUMBER HEX"`);
    }
    return { route: routeOf(route), connection: Number(connection), bytes: Uint8Array.fromHex(hex) };
  });
}
