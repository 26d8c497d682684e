import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { Connection } from "../../src/client/mod.ts";
import type { RoutedPlugin } from "../../src/router/routed_plugin.ts";
import { Fates } from "../support/fates.ts";
import { assertBalanced } from "../support/lives_plugin.ts";
import { type PluginOverrides, TestServer } from "../support/test_server.ts";
import { thorough } from "../support/thorough.ts";

/** Each command does what its name says; `dies` keeps its place over its time-out and grace, so its worker is replaced. */
const SOURCE = `
const tries = new Map();
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
export default {
  name: "lives", concurrency: 4,
  commands: {
    1001: { name: "succeeds", run: (context) => { context.log.info("begun", { tag: context.params.int("tag") }); return {}; } },
    1002: { name: "fails", run: (context) => { throw context.fail(40, "not today"); } },
    1003: { name: "fails once", idempotent: true, run(context) {
      const tag = context.params.int("tag"), seen = tries.get(tag) ?? 0;
      tries.set(tag, seen + 1);
      if (seen === 0) throw context.fail(40, "once");
      return {};
    } },
    1004: { name: "takes time", run: async (context) => {
      context.log.info("begun", { tag: context.params.int("tag") });
      await pause(20);
      return {};
    } },
    1005: { name: "dies", run: async () => { await pause(100_000); } },
    1006: { name: "is put off", run(context) {
      const tag = context.params.int("tag"), seen = tries.get(tag) ?? 0;
      tries.set(tag, seen + 1);
      if (seen < 2) throw context.later(10, "not yet");
      return {};
    } },
    1007: { name: "is gathered", batch: { max: 8, wait: "5ms" }, runBatch: async (operations) => {
      await pause(5);
      return operations.map((context) => context.params.int("tag") % 3 === 0 ? context.fail(41, "the third") : {});
    } },
    1008: { name: "waits for its end", run: (context) => new Promise((_, reject) =>
      context.signal.addEventListener("abort", () => reject(context.signal.reason), { once: true })) },
  },
};`;

const PLUGIN = {
  name: "lives",
  source: SOURCE,
  timeout: 150,
  grace: 50,
  maxDelay: 60_000,
  dedup: { window: 60_000, maxKeys: 1000, maxBytes: 1e6 },
  dead: { maxOps: 100_000, maxBytes: 1e8 },
} satisfies PluginOverrides;

/** Each takes a second or two; with 100 it is a search. */
const RUNS = thorough(3, 2);

const SETTINGS = fc.record({
  isolation: fc.constantFrom("worker" as const, "process" as const),
  workers: fc.integer({ min: 1, max: 3 }),
  affinity: fc.constantFrom(undefined, "tag"),
  retry: fc.constantFrom({ maxAttempts: 1, backoff: 1, maxBackoff: 5 }, {
    maxAttempts: 3,
    backoff: 1,
    maxBackoff: 5,
  }),
  ttl: fc.constantFrom(0, 0, 30),
  recycleAfter: fc.constantFrom(0, 0, 20),
  concurrency: fc.constantFrom(1, 4),
});

const SEND = fc.record({
  do: fc.constant("send" as const),
  command: fc.constantFrom(1001, 1001, 1002, 1003, 1004, 1006, 1007, 1008),
  sync: fc.boolean(),
  key: fc.constantFrom(null, null, "a", "b"),
  delay: fc.constantFrom(0, 0, 0, 0.02),
  count: fc.integer({ min: 1, max: 12 }),
});
const STEER = fc.record({
  do: fc.constantFrom(
    ...([
      "pause",
      "resume",
      "purge",
      "cancel",
      "retry dead",
      "crash",
      "kill",
      "dies",
      "leave",
      "wait",
    ] as const),
  ),
  index: fc.nat(50),
});
const STEP = fc.oneof({ weight: 5, arbitrary: SEND }, { weight: 5, arbitrary: STEER });

/** Ends a child process of this one's, as the system does where memory runs out; false where it has none. */
function killChild(index: number): boolean {
  const children = Deno.readTextFileSync(`/proc/${Deno.pid}/task/${Deno.pid}/children`).split(" ").filter((
    id,
  ) => id !== "");
  if (children.length === 0) return false;
  Deno.kill(Number(children[index % children.length]), "SIGKILL");
  return true;
}

/** One server, and what was asked of it. */
class World {
  readonly replies: Promise<void>[] = [];
  readonly plugin: RoutedPlugin;
  readonly fates: Fates;
  /** Operations that were cancelled, or could have been purged. */
  readonly touched = new Set<number>();
  crashes = 0;
  tag = 0;

  constructor(readonly server: TestServer, public client: Connection) {
    this.plugin = server.server.registry.plugins[0]!;
    this.fates = new Fates(this.plugin);
  }

  async step(step: typeof STEP extends fc.Arbitrary<infer T> ? T : never): Promise<void> {
    const { plugin } = this;
    switch (step.do) {
      case "send":
        for (let count = 0; count < step.count; count++) await this.#send(step);
        return;
      case "pause":
        return plugin.pause();
      case "resume":
        return plugin.resume();
      case "purge": {
        const running = this.#running();
        for (const { id, fates } of this.fates.known.values()) {
          if (fates.length === 0 && !running.has(id)) this.touched.add(id);
        }
        plugin.purge();
        return;
      }
      case "cancel": {
        const open = [...this.fates.known.values()].filter(({ fates }) => fates.length === 0);
        const chosen = open[step.index % Math.max(open.length, 1)];
        if (chosen === undefined) return;
        this.touched.add(chosen.id);
        assert(plugin.cancel(chosen.id) !== "unknown");
        return;
      }
      case "retry dead":
        return void plugin.retryDead(step.index % 5);
      case "crash": {
        const { workers } = plugin.pool;
        // After more of them the next worker takes longer to come than a test is to take.
        if (this.crashes++ < 3) workers[step.index % workers.length]!.fail("it was told to");
        return;
      }
      case "kill":
        if (this.crashes++ < 3) killChild(step.index);
        return;
      case "dies":
        if (this.crashes++ < 3) {
          await this.#send({ command: 1005, sync: step.index % 2 === 0, key: null, delay: 0 });
        }
        return;
      case "leave":
        // Its callers are gone; what they have sent is worked off.
        await this.client.close();
        this.client = await Connection.connect(this.server.tcp, { timeoutMs: 120_000 });
        return;
      case "wait": {
        const { done } = plugin.stats();
        if (plugin.paused || plugin.queue.ops === 0) return;
        let looks = 0;
        await this.server.until("something is done", () => plugin.stats().done > done || looks++ > 10);
        return;
      }
    }
  }

  /** Lets all end. */
  async settle(): Promise<void> {
    this.plugin.resume();
    await this.server.until("nothing is left", () => this.plugin.queue.ops === 0);
    await Promise.all(this.replies.splice(0));
    assertEquals(this.plugin.queue.bytes, 0);
    assertBalanced(this.server);
    this.fates.check();
    for (const { id, fates, tag } of this.fates.known.values()) {
      if (fates[0] === "cancelled") {
        assert(this.touched.has(id), `${id}, tag ${tag}: nobody has cancelled it`);
      }
    }
  }

  /** What is left when the server stops is given up, each once, and nothing of it is kept. */
  async abandon(): Promise<void> {
    const { plugin, fates, server } = this;
    plugin.purgeDead();
    plugin.pause();
    const before = new Set(fates.known.keys());
    for (const sync of [true, false]) {
      for (const delay of [0, 30]) {
        await this.#send({ command: 1001, sync, key: delay === 0 ? "last" : null, delay });
      }
    }
    const { abandoned } = await server.server.stop();
    await Promise.all(this.replies);
    const left = [...fates.known.values()].filter(({ id }) => !before.has(id));
    assertEquals(left.map((known) => [known.fates, known.letters]), left.map(() => [["failed"], 0]));
    assertEquals([left.length, abandoned], [3, 3], "the second with the key is a duplicate of the first");
  }

  async #send(
    { command, sync, key, delay }: { command: number; sync: boolean; key: string | null; delay: number },
  ): Promise<void> {
    const { plugin, fates, client } = this;
    const tag = ++this.tag;
    const params = {
      tag,
      ...key === null ? {} : { "mevent.key": key },
      ...delay === 0 || sync ? {} : { "mevent.delay": delay },
    };
    const name = `${command} ${key}`;
    const { deduplicated } = plugin.dedup;
    const before = key === null ? undefined : fates.byKey.get(name);
    const wasOpen = before !== undefined && before.fates.length === 0;
    let code = 0;
    const answered = client.request("lives", command, params, { sync }).then(
      (reply) => void (code = reply.code),
      // It has left.
      () => {
        code = -1;
      },
    );
    await this.server.until(
      "it has come",
      () => code !== 0 || fates.tagged(tag) !== undefined || plugin.dedup.deduplicated > deduplicated,
    );
    const accepted = fates.tagged(tag);
    if (accepted !== undefined && key !== null) fates.byKey.set(name, accepted);
    if (sync) this.replies.push(answered);
    else {
      await answered;
      if (code === 1000 && accepted === undefined && before !== undefined) {
        // It has been told that it is queued: as the one before it, or that one is done.
        if (wasOpen && before.fates.length === 0) before.duplicates++;
        else if (before.fates.length > 0 && before.fates[0] !== "done") before.duplicates++;
      }
    }
  }

  /** What runs for sure: of what a child process has, that is known where it has said so, and was never tried before. */
  #running(): Set<number> {
    const begun = new Set<number>();
    for (const line of this.server.log) if (line.includes('"begun"')) begun.add(JSON.parse(line).tag);
    const running = this.plugin.peek(1000).filter(({ state, attempts }) =>
      state === "running" && attempts === 0
    );
    return new Set(running.flatMap(({ id }) => {
      const { tag } = this.fates.of(id);
      return begun.has(tag) && this.fates.tagged(tag)!.id === id ? [id] : [];
    }));
  }
}

Deno.test({
  name:
    "whatever fails, crashes, is cancelled, purged, reloaded and sent twice: every operation comes to one end, and what was told to be queued is done, or found as a dead letter",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await using server = await TestServer.start({ plugins: [PLUGIN] });
    const world = new World(server, await Connection.connect(server.tcp, { timeoutMs: 120_000 }));
    try {
      await fc.assert(
        fc.asyncProperty(
          SETTINGS,
          SETTINGS,
          fc.array(STEP, { minLength: 5, maxLength: 25, size: "max" }),
          fc.array(STEP, { maxLength: 15, size: "max" }),
          async (first, second, steps, more) => {
            world.crashes = 0;
            await server.reload({ plugins: [{ ...PLUGIN, ...first }] });
            for (const step of steps) await world.step(step);
            await server.reload({ plugins: [{ ...PLUGIN, ...second }] });
            for (const step of more) await world.step(step);
            await world.settle();
          },
        ),
        // A counter-example is as it was met: to run parts of it again takes minutes.
        { numRuns: RUNS, endOnFailure: true },
      );
      await world.abandon();
    } finally {
      await world.client.close();
    }
  },
});
