import { assert, assertEquals, assertThrows } from "@std/assert";
import type { JsonObject } from "../../src/plugin.ts";
import { MAX_PROGRESS, ProgressReporter } from "../../src/host/progress_reporter.ts";
import { isFromHost } from "../../src/thread/from_host.ts";
import type { OperationPlace, Progress } from "../../src/ring/messages.ts";
import { FakeTimers } from "../support/fake_timers.ts";
import { streamRequest } from "../support/requests.ts";
import { acceptedId, stateOf } from "../support/results.ts";
import { TestServer } from "../support/test_server.ts";

/** 1001 and the batch 1002 say how far they are, and go on once the cache has the key "go on". */
const SOURCE = `
async function released(context) {
  while (await context.cache.get("go on") === undefined) await new Promise((resolve) => setTimeout(resolve, 5));
}
export default { name: "long", concurrency: 4, commands: {
  1001: { name: "rows", async run(context) {
    const { progress } = context;
    for (let done = 0; done < 10_000; done++) progress(done, 20_000);
    progress(10_000, 20_000, "half of the rows " + "x".repeat(300));
    await released(context);
    for (const wrong of [[-1], [NaN], ["1"], [1, -1], [1, "2"], [1, 2, 3]]) {
      try { progress(...wrong); return { wrong }; } catch (error) { if (error.name !== "TypeError") throw error; }
    }
    return { ended: true };
  } },
  1002: { name: "batch", batch: { max: 2, wait: "10s" }, async runBatch(operations, batch) {
    operations.forEach((operation, at) => operation.progress(at + 0.5));
    await released(batch);
  } },
} };`;

for (const isolation of ["worker", "process"] as const) {
  Deno.test(`how far an operation is that runs in a ${isolation} is seen in its state and among the others`, async () => {
    const results = { keep: 60_000, maxOps: 10, maxBytes: 1 << 20 };
    await using server = await TestServer.start({
      plugins: [{ name: "long", source: SOURCE, isolation, results }],
    });
    using connection = await server.connect();
    const enqueue = async (command: number) => {
      await connection.send(streamRequest({ plugin: "long", command, sync: false, wantsId: true }));
      return acceptedId(await connection.reply());
    };
    const told = async (id: string): Promise<JsonObject> => {
      for (;;) {
        const { state, progress } = await stateOf(connection, id);
        if (progress !== undefined) return { state: state!, progress };
      }
    };
    const rows = await enqueue(1001);
    const note = `half of the rows ${"x".repeat(182)}…`;
    assertEquals(await told(rows), { state: "running", progress: { done: 10_000, total: 20_000, note } });
    const [shown] = server.server.registry.plugins[0]!.peek(1);
    assertEquals(shown!.progress, { done: 10_000, total: 20_000, note });
    const batch = [await enqueue(1002), await enqueue(1002)];
    assertEquals(await told(batch[0]!), { state: "running", progress: { done: 0.5 } });
    assertEquals(await told(batch[1]!), { state: "running", progress: { done: 1.5 } });
    server.server.registry.plugins[0]!.cache.set("go on", "1", 0);
    const { state, progress, result } = await stateOf(connection, rows, 10);
    assertEquals([state, progress, result], ["done", undefined, { ended: true }]);
    for (const id of batch) assertEquals((await stateOf(connection, id, 10)).state, "done");
  });
}

Deno.test("a command that tells of its progress without end is heard ten times a second, and the newest word counts", () => {
  using time = new FakeTimers();
  const told: (readonly (OperationPlace & Progress)[])[] = [];
  const reporter = new ProgressReporter((operations) => told.push(operations), () => time.now);
  for (let ms = 0; ms < 1000; ms++) {
    for (let again = 0; again < 5; again++) reporter.report({ slot: 1, sequence: 1 }, ms);
    time.pass(1);
  }
  time.pass(100);
  assert(told.length >= 9 && told.length <= 12, `it was told ${told.length} times`);
  assertEquals(told.at(-1), [{ slot: 1, sequence: 1, done: 999, total: null, note: "" }]);
  // What has ended speaks of a slot that is another's by now.
  reporter.report({ slot: 1, sequence: 3 }, 5);
  reporter.report({ slot: 1, sequence: 2 }, 6);
  for (let slot = 2; slot < MAX_PROGRESS + 10; slot++) reporter.report({ slot, sequence: 1 }, slot);
  told.length = 0;
  time.pass(300);
  assertEquals(told.map((each) => each.length), [MAX_PROGRESS, 9]);
  assertEquals(told[0]![0]!.done, 5);
  assertThrows(
    () => reporter.report({ slot: 1, sequence: 4 }, -1),
    TypeError,
    "done is -1, not a number from 0 on",
  );
  assertThrows(() => reporter.report({ slot: 1, sequence: 4 }, 1, null), TypeError, "total is");
});

Deno.test("what a plugin posts as progress and is none is no message of mevent's", () => {
  const operation = { slot: 0, sequence: 0, done: 1, total: 2, note: "x".repeat(200) };
  const isTaken = (operations: unknown) => isFromHost({ kind: "progress", operations });
  assert(isTaken([]) && isTaken(Array(MAX_PROGRESS).fill({ ...operation, total: null })));
  assertEquals([isTaken(null), isTaken(Array(MAX_PROGRESS + 1).fill(operation))], [false, false]);
  const wrong = [{ slot: -1 }, { sequence: "1" }, { done: NaN }, { done: -1 }, { total: "2" }, {
    note: "x".repeat(201),
  }];
  for (const other of wrong) {
    assertEquals(isTaken([{ ...operation, ...other }]), false, JSON.stringify(other));
  }
});
