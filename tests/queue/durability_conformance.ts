import { assert, assertEquals } from "@std/assert";
import type { RoutedPlugin } from "../../src/router/routed_plugin.ts";
import type { ServerOptions } from "../../src/server/server_options.ts";
import type { RawConnection } from "../support/raw_connection.ts";
import { messageOf, type RequestOptions, streamRequest, valueOf } from "../support/requests.ts";
import { type PluginOverrides, TestServer } from "../support/test_server.ts";

/**
 * 1001 notes its `n`, 1002 tells what was noted, 1003 fails the first `fails` times, 1004 is put off the first time, 1005 fails for
 * good, 1006 runs until it is aborted, 1007 tells its id.
 */
const KEPT = `
const ran = [], tries = new Map();
const tried = (n) => { tries.set(n, (tries.get(n) ?? 0) + 1); return tries.get(n); };
export default { name: "kept", commands: {
  1001: { name: "note", run: ({ params }) => { ran.push(params.int("n")); return { n: params.int("n") }; } },
  1002: { name: "told", run: () => ({ ran: ran.splice(0) }) },
  1003: { name: "flaky", run(context) {
    const n = context.params.int("n");
    if (tried(n) <= context.params.int("fails")) throw context.fail(40, "not yet");
    ran.push(n);
  } },
  1004: { name: "later", run(context) {
    const n = context.params.int("n");
    if (tried(n) === 1) throw context.later(1, "in a moment");
    ran.push(n);
  } },
  1005: { name: "fail", run: (context) => { throw context.fail(41, "never"); } },
  1006: { name: "hang", run: ({ signal }) => new Promise((_, reject) =>
    signal.addEventListener("abort", () => reject(signal.reason), { once: true })) },
  1007: { name: "id", run: ({ id }) => { ran.push(id); return { id }; } },
} };`;

/** Which provider, and whether what is queued outlives it. */
export interface DurabilityProvider {
  readonly durability: "memory" | "journal";
  readonly journalThread?: NonNullable<ServerOptions["journalThread"]>;
}

/** A server with the plugin, and what is sent to it. */
class Kept implements AsyncDisposable {
  private constructor(readonly server: TestServer, readonly connection: RawConnection) {}

  static async start(
    { durability, journalThread }: DurabilityProvider,
    data: string,
    overrides: Omit<PluginOverrides, "name"> = {},
  ): Promise<Kept> {
    const thread = journalThread === undefined ? {} : { journalThread };
    const plugin = { name: "kept", source: KEPT, durability, maxDelay: 600_000, ...overrides };
    const server = await TestServer.start({ server: { data }, plugins: [plugin], ...thread });
    return new Kept(server, await server.connect());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.connection.close();
    await this.server[Symbol.asyncDispose]();
  }

  get plugin(): RoutedPlugin {
    return this.server.server.registry.plugins[0]!;
  }

  stats() {
    return this.server.plugin("kept");
  }

  /** Sends one and waits for its answer. */
  async ask(options: RequestOptions): Promise<{ code: number; value: unknown; message: string }> {
    await this.connection.send(streamRequest({ plugin: "kept", ...options }));
    const reply = await this.connection.reply();
    return { code: reply.code, value: valueOf(reply), message: messageOf(reply) };
  }

  /** Has it queued. */
  async queue(command: number, params: Record<string, string | number>): Promise<void> {
    const { code, message } = await this.ask({ command, params, sync: false });
    assertEquals([code, message], [1000, ""]);
  }

  /** All that was noted since the last call, once so much was. */
  async noted(count: number): Promise<unknown[]> {
    const all: unknown[] = [];
    await this.server.until(`${count} were noted`, () => this.isIdle);
    const { value } = await this.ask({ command: 1002 });
    all.push(...(value as { ran: unknown[] }).ran);
    assertEquals(all.length, count, JSON.stringify(all));
    return all;
  }

  get isIdle(): boolean {
    const { queued, in_flight, retrying, journal } = this.stats();
    return queued + in_flight + retrying + (journal?.unsynced ?? 0) === 0;
  }

  /** Everything has its place among the ends and what has not ended. */
  assertBalanced(): void {
    const { accepted, queued, in_flight, delayed, retrying, done, failed, expired, cancelled } = this.stats();
    assertEquals(accepted, queued + in_flight + delayed + retrying + done + failed + expired + cancelled);
  }
}

/** What holds of a plugin's queue whatever keeps it. */
export function durabilityConformance(name: string, provider: DurabilityProvider): void {
  Deno.test(`${name}: order, retries, what is put off, dead letters, cancelling and purging`, async (t) => {
    await using folder = await temporaryFolder();
    await using kept = await Kept.start(provider, folder.path, {
      retry: { maxAttempts: 3, backoff: 1, maxBackoff: 1 },
      dead: { maxOps: 2, maxBytes: 1e6 },
    });
    const { plugin } = kept;

    await t.step("operations run in the order in which they were accepted", async () => {
      plugin.pause();
      for (let n = 0; n < 50; n++) await kept.queue(1001, { n });
      const ids = plugin.peek(100).map(({ id }) => id);
      assertEquals(ids, ids.toSorted((a, b) => a - b));
      assertEquals([ids.length, kept.stats().queued], [50, 50]);
      plugin.resume();
      assertEquals(await kept.noted(50), Array.from({ length: 50 }, (_, n) => n));
    });

    await t.step(
      "one that fails is tried again, one that is put off waits, and neither runs once more",
      async () => {
        await kept.queue(1003, { n: 100, fails: 2 });
        await kept.queue(1004, { n: 101 });
        assertEquals((await kept.noted(2)).sort(), [100, 101]);
        assertEquals(kept.stats().retries, 2);
      },
    );

    await t.step("one that is delayed waits for its time", async () => {
      await kept.queue(1001, { n: 110, "mevent.delay": 600 });
      await kept.queue(1001, { n: 111, "mevent.delay": "0.01" });
      await kept.server.until("the time of one has come", () => kept.stats().delayed === 1 && kept.isIdle);
      assertEquals(await kept.noted(1), [111]);
      assertEquals(plugin.peek(10).map(({ state }) => state), ["delayed"]);
      assertEquals(plugin.purge(), 1);
    });

    await t.step("dead letters are kept as far as there is room, forgotten, and tried again", async () => {
      const { dead_dropped: before, failed } = kept.stats();
      for (let n = 0; n < 3; n++) {
        await kept.queue(1005, { n });
        await kept.server.until("it is dead", () => kept.isIdle && kept.stats().failed === failed + n + 1);
      }
      assertEquals(kept.stats().dead_dropped - before, 1);
      const [oldest] = plugin.peekDead(10);
      assertEquals([oldest!.params, oldest!.attempts], [{ n: 1 }, 3]);
      assertEquals(plugin.purgeDead(oldest!.id), 1);
      assertEquals(plugin.retryDead(10), 1);
      await kept.server.until("it has failed anew", () => kept.isIdle && kept.stats().dead === 1);
      const [again] = plugin.peekDead(10);
      assert(again!.id > oldest!.id);
      assertEquals(again!.params, { n: 2 });
      assertEquals([plugin.retryOne(again!.id), plugin.retryOne(again!.id)], ["retried", "unknown"]);
      await kept.server.until("and once more", () => kept.isIdle && kept.stats().dead === 1);
      assertEquals(plugin.purgeDead(), 1);
    });

    await t.step("what waits is cancelled by its id, or all of it is", async () => {
      plugin.pause();
      for (let n = 0; n < 5; n++) await kept.queue(1001, { n });
      const { id } = plugin.peek(10)[2]!;
      assertEquals([plugin.cancel(id), plugin.cancel(id)], ["cancelled", "unknown"]);
      assertEquals(plugin.purge(), 4);
      plugin.resume();
      await kept.queue(1001, { n: 9 });
      assertEquals(await kept.noted(1), [9]);
    });

    await t.step("what runs is aborted and not tried again", async () => {
      await kept.queue(1006, {});
      await kept.server.until("it runs", () => plugin.peek(1)[0]?.state === "running");
      assertEquals(plugin.cancel(plugin.peek(1)[0]!.id), "cancelling");
      await kept.server.until("it has ended", () => kept.isIdle);
      assertEquals(kept.stats().dead, 0);
    });

    kept.assertBalanced();
    assertEquals([kept.stats().queue_bytes, plugin.queue.ops], [0, 0]);
  });

  Deno.test(`${name}: bounds are exact, what is too old does not run, and parts are divided anew`, async () => {
    await using folder = await temporaryFolder();
    const bounds = { queue: { maxOps: 5, maxBytes: 1e6 }, ttl: 50 };
    await using kept = await Kept.start(provider, folder.path, bounds);
    const { plugin } = kept;
    plugin.pause();
    for (let n = 0; n < 5; n++) await kept.queue(1001, { n });
    assertEquals((await kept.ask({ command: 1001, params: { n: 6 }, sync: false })).code, 21);
    const oldest = performance.now();
    await kept.server.until("they are too old", () => performance.now() - oldest > 60);
    plugin.resume();
    await kept.server.until("they have expired", () => kept.stats().expired === 5);
    assertEquals([plugin.queue.ops, kept.stats().dead], [0, 5]);
    plugin.purgeDead();

    const plugins = [{ name: "kept", source: KEPT, ...bounds, ttl: 0, durability: provider.durability }];
    const data = { data: folder.path };
    await kept.server.reload({
      server: data,
      plugins: plugins.map((each) => ({ ...each, maxDelay: 600_000 })),
    });
    plugin.pause();
    for (let n = 0; n < 5; n++) await kept.queue(1001, { n });
    await kept.server.reload({
      server: data,
      plugins: plugins.map((each) => ({ ...each, maxDelay: 600_000, workers: 2, affinity: "n" })),
    });
    plugin.resume();
    await kept.server.until("both parts are worked off", () => kept.isIdle && kept.stats().done >= 5);
    kept.assertBalanced();
  });

  Deno.test(`${name}: keys of what has not ended, of what has, and those that async callers were promised`, async (t) => {
    await using folder = await temporaryFolder();
    await using kept = await Kept.start(provider, folder.path, {
      dedup: { window: 600_000, maxKeys: 100, maxBytes: 1e6 },
    });
    const { plugin } = kept;
    const keyed = (n: number, key: string) => ({ n, "mevent.key": key });

    await t.step(
      "a second one with the key of one that has not ended is not queued, and told the same",
      async () => {
        plugin.pause();
        await kept.queue(1001, keyed(1, "a"));
        await kept.queue(1001, keyed(2, "a"));
        await kept.connection.send(streamRequest({ plugin: "kept", command: 1001, params: keyed(3, "a") }));
        await kept.server.until("it waits", () => kept.stats().deduplicated === 2);
        assertEquals(plugin.queue.ops, 1);
        plugin.resume();
        assertEquals(valueOf(await kept.connection.reply()), { n: 1 });
        assertEquals(await kept.noted(1), [1]);
      },
    );

    await t.step("the reply is remembered", async () => {
      assertEquals((await kept.ask({ command: 1001, params: keyed(4, "a") })).value, { n: 1 });
      await kept.queue(1001, keyed(5, "a"));
      assertEquals(await kept.noted(0), []);
    });

    await t.step("one that fails frees its key", async () => {
      await kept.queue(1005, keyed(6, "b"));
      await kept.server.until("it has failed", () => kept.stats().dead === 1);
      await kept.queue(1005, keyed(6, "b"));
      await kept.server.until("so has the next", () => kept.stats().dead === 2);
      plugin.purgeDead();
    });

    await t.step(
      "what an async caller was promised of a sync operation is a dead letter where that fails",
      async () => {
        plugin.pause();
        await kept.connection.send(
          streamRequest({ id: 7, plugin: "kept", command: 1005, params: keyed(7, "c") }),
        );
        await kept.server.until("it waits", () => plugin.queue.ops === 1);
        await kept.queue(1005, keyed(8, "c"));
        assertEquals(plugin.queue.ops, 1, "it is no operation more");
        plugin.resume();
        assertEquals((await kept.connection.reply()).code, 41);
        await kept.server.until("it is kept", () => kept.stats().dead === 1);
        assertEquals(plugin.peekDead(1)[0]!.params, keyed(7, "c"));
      },
    );
    kept.assertBalanced();
  });

  if (provider.durability === "memory") return;

  Deno.test(`${name}: a restart keeps what waits, what is delayed, dead letters, keys and ids`, async () => {
    await using folder = await temporaryFolder();
    const overrides = {
      dedup: { window: 600_000, maxKeys: 100, maxBytes: 1e6 },
      retry: { maxAttempts: 3, backoff: 600_000, maxBackoff: 600_000 },
    };
    let id: unknown;
    let highest = 0;
    let dead: readonly unknown[] = [];
    {
      await using kept = await Kept.start(provider, folder.path, overrides);
      const { plugin } = kept;
      id = (await kept.ask({ command: 1007, params: { "mevent.key": "id" } })).value;
      await kept.queue(1003, { n: 3, fails: 1 });
      await kept.server.until("it is to be tried again", () => kept.stats().retrying === 1);
      plugin.pause();
      for (let n = 10; n < 20; n++) await kept.queue(1001, n === 15 ? { n, "mevent.key": "k" } : { n });
      await kept.queue(1001, { n: 30, "mevent.delay": 500 });
      await kept.queue(1007, { n: 40 });
      highest = plugin.queue.lastId;
      assertEquals(plugin.cancel(plugin.peek(5)[0]!.id), "cancelled");
      const { kept: left, abandoned } = await kept.server.server.stop();
      assertEquals([left, abandoned], [12, 0]);
    }
    {
      await using kept = await Kept.start(provider, folder.path, overrides);
      const { plugin } = kept;
      assert(plugin.queue.lastId >= highest, "ids go on");
      const { delayed, retrying } = kept.stats();
      assertEquals([delayed, retrying], [1, 1]);
      assertEquals(plugin.peek(50).find(({ state }) => state === "retrying")?.attempts, 1);
      const noted = await kept.server.until("it is worked off", () => kept.stats().done >= 10).then(() =>
        kept.ask({ command: 1002 })
      );
      const { ran } = noted.value as { ran: unknown[] };
      assertEquals(ran.slice(0, 9), [11, 12, 13, 14, 15, 16, 17, 18, 19]);
      assertEquals((await kept.ask({ command: 1007, params: { "mevent.key": "id" } })).value, id);
      await kept.queue(1001, { n: 99, "mevent.key": "k" });
      assertEquals(kept.stats().deduplicated, 2);
      // They are to be dead letters at once.
      plugin.pool.bound({
        retry: { maxAttempts: 1, backoff: 1, maxBackoff: 1 },
        dead: plugin.pool.dead.limits,
        ttl: 0,
        slowOperation: 0,
      });
      await kept.queue(1005, { n: 50, "mevent.key": "dead" });
      await kept.queue(1005, { n: 51 });
      await kept.server.until("two letters are kept", () => kept.stats().dead === 2);
      dead = plugin.peekDead(10);
      kept.assertBalanced();
    }
    {
      await using kept = await Kept.start(provider, folder.path, overrides);
      assertEquals(
        kept.plugin.peekDead(10).map(({ params }) => params),
        dead.map((each) => (each as { params: unknown }).params),
      );
      assertEquals(kept.plugin.purgeDead(), dead.length);
    }
    await using last = await Kept.start(provider, folder.path, overrides);
    assertEquals(last.stats().dead, 0);
  });
}

/** A folder that is removed in the end. */
async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await Deno.makeTempDir({ prefix: "mevent-kept-" });
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}
