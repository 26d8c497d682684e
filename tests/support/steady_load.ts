import { assertEquals } from "@std/assert";
import type { JsonValue } from "../../src/plugin.ts";
import { Connection } from "../../src/client/mod.ts";
import type { TestServer } from "./test_server.ts";

/** Requests of each kind that are sent together. */
const CALLERS = 8;
/** Between two bursts, in ms: the machine is left to what is tested. */
const BURST_EVERY_MS = 3;

/**
 * A plugin for {@link SteadyLoad}: 1001 gives back what it got and tells, in counters, how often it ran and the sum of
 * the uids; each worker does so at the latest when it stops. `body` stands in the command, before the end.
 */
export function countingPlugin(name: string, body = "", members = ""): string {
  return `
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
export default {
  name: ${JSON.stringify(name)},
  ${members}
  commands: {
    1001: {
      name: "count",
      async run(context) {
        const uid = context.params.int("uid");
        ${body}
        context.stats.count("ran");
        context.stats.count("sum", uid);
        return { uid };
      },
    },
  },
};`;
}

/** Keeps bursts of sync and async requests going over one connection, and finds out whether each ran once and was answered once. */
export class SteadyLoad {
  #uid = 0;
  #sum = 0;
  #ended = false;
  #next: Promise<void> | null = null;
  readonly #callers: Promise<void>[];
  /** Answers other than success, by code. */
  readonly errors: Record<number, number> = {};

  private constructor(readonly client: Connection, readonly plugin: string) {
    this.#callers = [true, false].flatMap((sync) => Array.from({ length: CALLERS }, () => this.#call(sync)));
  }

  static async start(server: TestServer, plugin: string): Promise<SteadyLoad> {
    const { hostname, port } = server.tcp;
    return new SteadyLoad(await Connection.connect({ transport: "tcp", hostname, port }), plugin);
  }

  /** Requests sent so far. */
  get sent(): number {
    return this.#uid;
  }

  /** Ends the load; throws where a request was lost, refused, run or answered twice, or its connection dropped. */
  async end(server: TestServer): Promise<void> {
    this.#ended = true;
    await Promise.all(this.#callers);
    assertEquals(this.errors, {});
    assertEquals([this.client.isOpen, this.client.strayReplies], [true, 0]);
    await this.client[Symbol.asyncDispose]();
    const figure = (name: string) => server.plugin(this.plugin).counters[name] ?? 0;
    await server.until(`all ${this.#uid} have run`, () => figure("ran") >= this.#uid);
    assertEquals([figure("ran"), figure("sum")], [this.#uid, this.#sum]);
    const { accepted, done, failed } = server.plugin(this.plugin);
    assertEquals([accepted, done, failed], [this.#uid, this.#uid, 0]);
  }

  async #call(sync: boolean): Promise<void> {
    for (;;) {
      await this.#burst();
      if (this.#ended) return;
      const uid = this.#uid++;
      this.#sum += uid;
      const { code, value } = await this.client.request(this.plugin, 1001, { uid, key: uid % 7 }, { sync });
      if (code !== 1000) this.errors[code] = (this.errors[code] ?? 0) + 1;
      const expected: JsonValue | undefined = sync && code === 1000 ? { uid } : value;
      assertEquals(value, expected);
    }
  }

  /** Resolves for all callers at once. */
  #burst(): Promise<void> {
    return this.#next ??= new Promise((resolve) =>
      setTimeout(() => {
        this.#next = null;
        resolve();
      }, BURST_EVERY_MS)
    );
  }
}
