import type { Libc } from "../../src/net/libc.ts";
import { encodeBody, Encoding } from "../../src/protocol/body.ts";
import { writeRequest } from "../../src/protocol/request.ts";
import type { Random } from "../fuzz/random.ts";
import { concat } from "../../src/protocol/bytes.ts";
import { NativeSocket } from "../support/native_socket.ts";
import type { WatchedServer } from "../support/watched_server.ts";
import { FAULTY } from "./faulty_server.ts";

/** Clients that stay away from their connections without closing them; the oldest makes room. */
const MAX_LEFT_OPEN = 20;
/** More than a server with few descriptors can hold. */
const CROWD = 200;
const DIAL_BATCH = 50;

/** What clients do that servers dislike. */
export const CLIENT_FAULTS = [
  "reset",
  "half-open",
  "half-closed",
  "deaf",
  "kill a child process",
  "crowd",
] as const;
export type ClientFault = typeof CLIENT_FAULTS[number];

/** Clients that go wrong. */
export class BadClients implements Disposable {
  readonly #leftOpen: NativeSocket[] = [];
  readonly #requests: Uint8Array<ArrayBuffer>;

  constructor(readonly libc: Libc, readonly server: WatchedServer, readonly random: Random) {
    this.#requests = burst(random);
  }

  async go(fault: ClientFault): Promise<void> {
    switch (fault) {
      case "reset":
        for (const socket of await this.#dial(1 + this.random.below(4))) {
          socket.send(this.#requests);
          socket.reset();
        }
        return;
      case "half-open":
        for (const socket of await this.#dial(2)) {
          socket.send(this.#requests.subarray(0, 1 + this.random.below(this.#requests.length)));
          this.#leave(socket);
        }
        return;
      case "half-closed":
        for (const socket of await this.#dial(1)) {
          socket.send(this.#requests);
          socket.shutdown();
          this.#leave(socket);
        }
        return;
      case "deaf":
        for (const socket of await this.#dial(1)) {
          while (socket.send(this.#requests) === this.#requests.length);
          this.#leave(socket);
        }
        return;
      case "kill a child process":
        return killChild(this.server.pid, this.random);
      case "crowd": {
        const crowd = await this.#dial(CROWD);
        for (const socket of crowd) socket.send(this.#requests);
        for (const socket of crowd) socket.close();
        return;
      }
    }
  }

  /** All of them go away. */
  [Symbol.dispose](): void {
    for (const socket of this.#leftOpen.splice(0)) socket.reset();
  }

  async #dial(count: number): Promise<NativeSocket[]> {
    const sockets: NativeSocket[] = [];
    const address = this.random.oneIn(3) ? this.server.unix : this.server.tcp;
    for (let left = count; left > 0; left -= DIAL_BATCH) {
      sockets.push(...await NativeSocket.dial(this.libc, address, Math.min(left, DIAL_BATCH)));
    }
    return sockets;
  }

  #leave(socket: NativeSocket): void {
    this.#leftOpen.push(socket);
    if (this.#leftOpen.length > MAX_LEFT_OPEN) this.#leftOpen.shift()?.reset();
  }
}

/** Sync requests with some text to echo. */
function burst(random: Random): Uint8Array<ArrayBuffer> {
  const body = encodeBody(Encoding.Json, { text: "x".repeat(1000) });
  const messages = Array.from(
    { length: 8 },
    (_, id) => writeRequest({ id, command: 1001, sync: true, plugin: random.pick(FAULTY), body }, true),
  );
  return concat(messages);
}

/** Kills one of the server's own child processes, where it has some. */
function killChild(pid: number, random: Random): void {
  const children = Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`).split(" ").filter((id) =>
    id !== ""
  );
  if (children.length === 0) return;
  try {
    Deno.kill(Number(random.pick(children)), "SIGKILL");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
