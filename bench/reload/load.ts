import { Connection, ReplyCode } from "../../src/client/mod.ts";
import type { Loadgen } from "../loadgen.ts";

/** What the loads of a bench have seen; every request is one of `done`, `refused` and `failed`. */
export interface LoadTally {
  sent: number;
  done: number;
  /** Answered BUSY: not taken, and told so. */
  refused: number;
  /** Answered something else that is no success, or not at all. */
  failed: number;
  /** Answers to no request. */
  stray: number;
  /** Requests under way, or at least one, on connections that the server ended. */
  dropped: number;
}

/** Requests of one piece of the load; pieces follow one another until the load is to end. */
const PIECE = 100_000;
/** Callers of the client that looks into each answer. */
const CALLERS = 4;
const PLUGIN = "counted";

/** Full load on a plugin: loadgen with sync and with async requests, and a client that looks into each answer. */
export class ReloadLoad {
  readonly tally: LoadTally = { sent: 0, done: 0, refused: 0, failed: 0, stray: 0, dropped: 0 };
  #ended = false;
  readonly #loads: Promise<unknown>;

  constructor(readonly loadgen: Loadgen, readonly port: number) {
    this.#loads = Promise.all([
      this.#pieces("roundtrip", 1001, 20, 16),
      this.#pieces("enqueue", 1002, 20, 16),
      this.#lookClosely(),
    ]);
  }

  /** Ends the loads once all that they have sent is answered. Throws where an answer never comes. */
  async end(): Promise<LoadTally> {
    this.#ended = true;
    await this.#loads;
    return this.tally;
  }

  async #pieces(mode: "roundtrip" | "enqueue", command: number, connections: number, depth: number) {
    const target = ["--proto", "mevent", "--mode", mode, "--plugin", PLUGIN, "--cmd", String(command)];
    while (!this.#ended) {
      const load = { port: this.port, connections, depth, count: PIECE, options: target };
      const { ok, errors, unmatched } = await this.loadgen.run(load);
      const refused = errors[String(ReplyCode.Busy)] ?? 0;
      const dropped = (errors["conn_lost"] ?? 0) + (errors["closed"] ?? 0);
      this.#add({ sent: PIECE, done: ok, refused, failed: PIECE - ok - refused, stray: unmatched, dropped });
    }
  }

  async #lookClosely(): Promise<void> {
    const client = await Connection.connect({ transport: "tcp", hostname: "127.0.0.1", port: this.port });
    let next = 0;
    const call = async () => {
      while (!this.#ended && client.isOpen) {
        const uid = next++;
        const { code, value } = await client.request(PLUGIN, 1001, { uid }, { timeoutMs: 60_000 });
        const refused = Number(code === ReplyCode.Busy);
        const done = Number(code >= ReplyCode.Ok && JSON.stringify(value) === JSON.stringify({ uid }));
        this.#add({ sent: 1, done, refused, failed: 1 - done - refused, stray: 0, dropped: 0 });
      }
    };
    await Promise.all(Array.from({ length: CALLERS }, call));
    this.#add({
      sent: 0,
      done: 0,
      refused: 0,
      failed: 0,
      stray: client.strayReplies,
      dropped: Number(!client.isOpen),
    });
    await client[Symbol.asyncDispose]();
  }

  #add(piece: LoadTally): void {
    this.tally.sent += piece.sent;
    this.tally.done += piece.done;
    this.tally.refused += piece.refused;
    this.tally.failed += piece.failed;
    this.tally.stray += piece.stray;
    this.tally.dropped += piece.dropped;
  }
}
