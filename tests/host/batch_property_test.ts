import { assert, assertEquals, assertLess, assertLessOrEqual } from "@std/assert";
import fc from "fast-check";
import { messageOf, streamRequest, valueOf } from "../support/requests.ts";
import { type PluginOverrides, TestServer } from "../support/test_server.ts";
import { thorough } from "../support/thorough.ts";

interface Shape {
  readonly workers: number;
  readonly concurrency: number;
  readonly max: number;
  readonly wait: number;
  readonly isolation: "worker" | "process";
  readonly recycleAfter: number;
  readonly sync: boolean;
  /** How long asynchronous commands take, in ms: also longer than a worker may take before others get its work. */
  readonly takes: number;
}

const SHAPE: fc.Arbitrary<Shape> = fc.record({
  workers: fc.constantFrom(1, 1, 2),
  concurrency: fc.constantFrom(1, 1, 2, 5),
  max: fc.constantFrom(1, 2, 7, 100),
  wait: fc.constantFrom(0, 1, 20),
  isolation: fc.constantFrom("worker", "worker", "process"),
  recycleAfter: fc.constantFrom(0, 0, 40),
  sync: fc.boolean(),
  takes: fc.constantFrom(1, 15),
});

const STEP = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("send" as const),
      commands: fc.array(fc.integer({ min: 1001, max: 1004 }), { minLength: 1, maxLength: 60 }),
      sync: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom("pause", "resume", "reload", "wait", "cancel" as const) }),
  },
);

/** 1001 and 1002 are batch commands, 1003 and 1004 are not; all tell their `n`, and in which order they were called. */
function pluginOf(
  { concurrency, max, wait, sync, takes, ...rest }: Shape,
  generation: number,
): PluginOverrides {
  const later = sync ? "" : `await new Promise((done) => setTimeout(done, ${takes}));`;
  const source = `
    // Code ${generation}
    let calls = 0;
    const one = ({ params, stats }, call, size) => {
      stats.count("ran");
      return { n: params.int("n"), call, size };
    };
    const many = (operations) => { const call = calls++; return operations.map((each) => one(each, call, operations.length)); };
    export default {
      name: "p",
      concurrency: ${concurrency},
      sync: ${sync},
      commands: {
        1001: { name: "gathered", batch: { max: ${max}, wait: ${wait} }, runBatch: many },
        1002: {
          name: "later",
          batch: { max: ${max} },
          ${
    sync ? "" : "async"
  } runBatch(operations) { const results = many(operations); ${later} return results; },
        },
        1003: { name: "single", run: (context) => one(context, calls++, 1) },
        1004: { name: "single, later", ${
    sync ? "" : "async"
  } run(context) { const result = one(context, calls++, 1); ${later} return result; } },
      },
    };`;
  return { name: "p", source, grace: 5000, ...rest };
}

Deno.test("however batches are gathered, paused, cancelled and their workers replaced, each operation runs once and is answered with its own result", async () => {
  await fc.assert(
    fc.asyncProperty(SHAPE, fc.array(STEP, { minLength: 1, maxLength: 12 }), async (shape, steps) => {
      const server = await TestServer.start({
        server: { drain_timeout: "20s" },
        plugins: [pluginOf(shape, 0)],
      });
      try {
        using connection = await server.connect();
        const [plugin] = server.server.registry.plugins;
        let sent = 0;
        let generation = 0;
        let isCancelled = false;
        const syncIds = new Set<number>();
        for (const step of steps) {
          if (step.do === "send") {
            const requests = step.commands.map((command) => {
              if (step.sync) syncIds.add(sent);
              return streamRequest({
                id: sent,
                plugin: "p",
                command,
                sync: step.sync,
                params: { n: sent++ },
              });
            });
            await connection.send(...requests);
          } else if (step.do === "pause") plugin!.pause();
          else if (step.do === "resume") plugin!.resume();
          else if (step.do === "wait") await new Promise((resolve) => setTimeout(resolve, 5));
          else if (step.do === "reload") await server.reload({ plugins: [pluginOf(shape, ++generation)] });
          else {
            await server.until("they are accepted", () => server.plugin("p").accepted === sent);
            const [last] = plugin!.peek(1000).slice(-1);
            isCancelled ||= last !== undefined;
            if (last !== undefined) plugin!.cancel(last.id);
          }
        }
        plugin!.resume();
        const replies = await connection.replies(sent);
        let lastCall = -1;
        for (const reply of replies) {
          if (!syncIds.has(reply.id)) {
            assertEquals(reply.code, 1000);
            continue;
          }
          syncIds.delete(reply.id);
          if (reply.code === 14 && isCancelled) continue;
          assertEquals(reply.code, 1000, messageOf(reply));
          const { n, call, size } = valueOf(reply) as { n: number; call: number; size: number };
          assertEquals(n, reply.id);
          assertLessOrEqual(size, shape.max);
          if (shape.workers > 1 || shape.concurrency > 1 || shape.recycleAfter > 0 || generation > 0) {
            continue;
          }
          assertLessOrEqual(lastCall, call, "one worker with one place calls them in their order");
          lastCall = call;
        }
        assertEquals(syncIds.size, 0);
        await server.until("all have ended", () => {
          const { queued, in_flight } = server.plugin("p");
          return queued + in_flight === 0;
        });
        const { accepted, done, failed, cancelled } = server.plugin("p");
        assertEquals([accepted, failed, done + cancelled], [sent, 0, sent]);
        if (!isCancelled) assertEquals(cancelled, 0);
        await server.server.drain();
        await server.server.stop();
        const { ran = 0 } = server.plugin("p").counters;
        assert(ran === done || (isCancelled && ran >= done && ran <= sent), `${ran} ran, ${done} were done`);
      } finally {
        await server[Symbol.asyncDispose]();
      }
    }),
    { numRuns: thorough(8, 4) },
  );
});

Deno.test("batches of many short operations carry far more than one each", async () => {
  const shape: Shape = {
    workers: 1,
    concurrency: 1,
    max: 500,
    wait: 0,
    isolation: "worker",
    recycleAfter: 0,
    sync: false,
    takes: 1,
  };
  await using server = await TestServer.start({ plugins: [pluginOf(shape, 0)] });
  using connection = await server.connect();
  const count = 4000;
  const requests = Array.from(
    { length: count },
    (_, n) => streamRequest({ id: n, plugin: "p", command: 1002, params: { n } }),
  );
  // All of them wait before the first is run: how many come at a time is not what is looked at.
  const plugin = server.server.registry.plugins[0]!;
  plugin.pause();
  for (let at = 0; at < count; at += 1000) await connection.send(...requests.slice(at, at + 1000));
  await server.until("all of them wait", () => server.plugin("p").queued === count);
  plugin.resume();
  const calls = new Set<number>();
  for (const reply of await connection.replies(count)) calls.add((valueOf(reply) as { call: number }).call);
  assertLess(calls.size, count / 20);
});
