import { type Connection, ReplyCode } from "../../src/client/mod.ts";

/** The plugin that is swapped. */
export const SWAPPED = "swapped";
/** Requests of each kind, sync and async, that are under way at any time on a connection. */
const CALLERS = 8;

/** What the load has seen. */
export interface SwapTally {
  sync: number;
  async: number;
  /** The sum of the numbers that all requests carried. */
  sum: number;
  /** Answered BUSY: not taken, and told so. */
  refused: number;
  /** Answered something else that is no success. */
  failed: number;
  /** Replies of which one part is of one version and another of another. */
  mixed: number;
  /** Replies of a version that was replaced before their request was sent. */
  stale: number;
  /** Replies to no request, or to another one. */
  stray: number;
  /** Connections that the server ended. */
  dropped: number;
  /** Versions that have answered. */
  readonly versions: Set<number>;
}

/** The plugin's files in a version, by name: a command that says which version each of them is, at once or a moment later. */
export function swapFiles(version: number): Readonly<Record<string, string>> {
  return {
    "part.ts": `export const part: number = ${version};\n`,
    "swapped.ts": `import type { Plugin } from "mevent/plugin";
import { part } from "./part.ts";

const own: number = ${version};
const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 2));

export default {
  name: "swapped",
  concurrency: 64,
  commands: {
    1001: {
      name: "swap",
      async run({ params, stats }) {
        const uid = params.int("uid");
        const before = [own, part];
        if (uid % 4 === 0) await pause();
        stats.count("ran");
        stats.count("sum", uid);
        if (new Set([...before, own, part]).size > 1) stats.count("mixed");
        return { uid, own, part };
      },
    },
  },
} satisfies Plugin;
`,
  };
}

/** Sync and async requests over several connections, each answer looked into, until it is ended. */
export class HotSwapLoad {
  readonly tally: SwapTally = {
    sync: 0,
    async: 0,
    sum: 0,
    refused: 0,
    failed: 0,
    mixed: 0,
    stale: 0,
    stray: 0,
    dropped: 0,
    versions: new Set(),
  };
  /** The version that answers by now, as far as is known. */
  version = 0;
  #uid = 0;
  #isEnded = false;
  #next: Promise<void> | null = null;
  readonly #callers: Promise<void>[];

  /** @param burstEveryMs requests are sent together, so many ms after the last; 0: each when the one before it is answered */
  constructor(readonly clients: readonly Connection[], readonly burstEveryMs = 0) {
    this.#callers = clients.flatMap((client) =>
      [true, false].flatMap((sync) => Array.from({ length: CALLERS }, () => this.#call(client, sync)))
    );
  }

  get sent(): number {
    return this.#uid;
  }

  /** Resolves when all that was sent is answered, and the connections are closed. */
  async end(): Promise<SwapTally> {
    this.#isEnded = true;
    await Promise.all(this.#callers);
    for (const client of this.clients) {
      this.tally.stray += client.strayReplies;
      this.tally.dropped += Number(!client.isOpen);
      await client[Symbol.asyncDispose]();
    }
    return this.tally;
  }

  async #call(client: Connection, sync: boolean): Promise<void> {
    const { tally } = this;
    while (client.isOpen) {
      if (this.burstEveryMs > 0) await this.#burst();
      if (this.#isEnded) return;
      const uid = this.#uid++;
      const least = this.version;
      const { code, value } = await client.request(SWAPPED, 1001, { uid }, { sync, timeoutMs: 60_000 });
      if (code === ReplyCode.Busy) {
        tally.refused++;
        continue;
      }
      tally[sync ? "sync" : "async"]++;
      tally.sum += uid;
      if (code !== ReplyCode.Ok) tally.failed++;
      else if (sync) this.#check(uid, least, value);
    }
  }

  /** Resolves for all callers at once. */
  #burst(): Promise<void> {
    return this.#next ??= new Promise((resolve) =>
      setTimeout(() => {
        this.#next = null;
        resolve();
      }, this.burstEveryMs)
    );
  }

  #check(uid: number, least: number, value: unknown): void {
    const { tally } = this;
    const reply = value as { uid: number; own: number; part: number };
    if (reply.uid !== uid) tally.stray++;
    if (reply.own !== reply.part) tally.mixed++;
    if (reply.own < least) tally.stale++;
    tally.versions.add(reply.own);
  }
}
