import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import fc from "fast-check";
import { PartOwners, type PartWorker } from "../../src/pool/part_owners.ts";
import { messageOf, streamRequest, valueOf } from "../support/requests.ts";
import { TestServer } from "../support/test_server.ts";

/** A worker whose state and load the test sets. */
class FakeWorker implements PartWorker {
  state: PartWorker["state"] = "running";
  readonly held = new Map<number, number>();
  readonly inFlight;

  constructor(readonly index: number) {
    const { held } = this;
    this.inFlight = {
      get count() {
        return [...held.values()].reduce((sum, count) => sum + count, 0);
      },
      ofPart: (part: number) => held.get(part) ?? 0,
    };
  }

  take(part: number): void {
    this.held.set(part, (this.held.get(part) ?? 0) + 1);
  }

  end(part: number): void {
    this.held.set(part, Math.max(0, (this.held.get(part) ?? 0) - 1));
  }
}

Deno.test("while a worker has died and the next is to start another one stands in, and gives the part back when it holds nothing of it", () => {
  const workers = [0, 1, 2].map((index) => new FakeWorker(index));
  const owners = new PartOwners(workers);
  const [first, second, third] = workers as [FakeWorker, FakeWorker, FakeWorker];
  assertEquals([0, 1, 2].map((part) => owners.of(part)?.index), [0, 1, 2]);
  third.state = "gone";
  first.take(0);
  assertEquals(owners.of(2), second, "who has least to do");
  second.take(2);
  first.end(0);
  second.take(1);
  assertEquals(owners.of(2), second, "the same, while it holds some");
  const next = workers[2] = new FakeWorker(2);
  next.state = "starting";
  assertEquals(owners.of(2), second);
  next.state = "running";
  assertEquals(owners.of(2), null, "first what it holds of it is to end");
  second.end(2);
  assertEquals(owners.of(2), next);
  next.state = "retiring";
  assertEquals(owners.of(2), null, "who is replaced in order is waited for");
  for (const worker of workers) worker.state = "gone";
  assertEquals([0, 1, 2].map((part) => owners.of(part)), [null, null, null]);
});

Deno.test("whoever dies and starts: never do two workers hold operations of one part", () => {
  const step = fc.record({
    do: fc.constantFrom(...(["give", "give", "end", "die", "start", "run", "retire"] as const)),
    worker: fc.nat(3),
    part: fc.nat(3),
  });
  fc.assert(fc.property(fc.array(step, { maxLength: 200, size: "max" }), (steps) => {
    const workers = [0, 1, 2, 3].map((index) => new FakeWorker(index));
    const owners = new PartOwners(workers);
    for (const { do: what, worker: index, part } of steps) {
      const worker = workers[index]!;
      if (what === "give") owners.of(part)?.take(part);
      else if (what === "end") worker.end(part);
      else if (what === "die") {
        worker.state = "gone";
        worker.held.clear();
      } else if (what === "start" && worker.state === "gone") {
        workers[index] = new FakeWorker(index);
        workers[index].state = "starting";
      } else if (what === "run" && worker.state === "starting") worker.state = "running";
      else if (what === "retire" && worker.state === "running") worker.state = "retiring";
      for (const each of [0, 1, 2, 3]) {
        const holders = workers.filter(({ inFlight }) => inFlight.ofPart(each) > 0);
        assert(holders.length <= 1, `part ${each} is held by ${holders.map((holder) => holder.index)}`);
      }
      const isSomebodyThere = workers.some(({ state }) => state === "running");
      const dead = workers.findIndex(({ state }) => state === "gone");
      if (dead >= 0 && isSomebodyThere && workers.every(({ inFlight }) => inFlight.ofPart(dead) === 0)) {
        assertNotEquals(owners.of(dead), null, "a part whose worker is gone has somebody");
      }
    }
  }));
});

const WHO = `
let nth = 0;
export default { name: "who", commands: {
  1001: { name: "who", run: async (context) => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    return { worker: context.worker, nth: nth++, n: context.params.int("n") };
  } },
} };`;

/** The worker at that place dies so often that the next one is long in coming. */
async function wearOut(server: TestServer, index: number): Promise<void> {
  const { pool } = server.server.registry.plugins[0]!;
  for (let deaths = 1; deaths <= 4; deaths++) {
    await server.until("all workers run", () => pool.workers.every(({ state }) => state === "running"));
    pool.workers[index]!.fail("it was told to");
  }
}

Deno.test("with an affinity, what is for a worker that has died is run by another one meanwhile, in order, and by the next one then", async () => {
  await using server = await TestServer.start({
    plugins: [{ name: "who", source: WHO, workers: 3, affinity: "user" }],
  });
  using connection = await server.connect();
  const ask = async (user: string, count: number) => {
    const ids = Array.from({ length: count }, (_, id) => id);
    await connection.send(...ids.map((id) => streamRequest({ id, plugin: "who", params: { user, n: id } })));
    const replies = await connection.replies(count);
    return replies.map((reply) => valueOf(reply) as { worker: number; nth: number; n: number });
  };
  const own = (await ask("ann", 1))[0]!.worker;
  await wearOut(server, own);
  const meanwhile = await ask("ann", 50);
  assertNotEquals(meanwhile[0]!.worker, own, "it does not wait for its own worker");
  assertEquals(meanwhile.map(({ n }) => n), meanwhile.map((_, index) => index));
  for (const [index, { worker, nth }] of meanwhile.entries()) {
    const before = meanwhile[index - 1];
    if (before?.worker === worker) assert(nth > before.nth, "out of order");
  }
  const { pool } = server.server.registry.plugins[0]!;
  await server.until("its own worker is back", () => pool.workers[own]!.state === "running");
  assertEquals((await ask("ann", 1))[0]!.worker, own);
});

Deno.test("while no worker of a plugin is there, sync callers are answered 14 at their time-out, and async operations wait", async () => {
  await Promise.all([undefined, "user"].map(async (affinity) => {
    await using server = await TestServer.start({
      plugins: [{ name: "who", source: WHO, timeout: 100, affinity }],
    });
    using connection = await server.connect();
    const plugin = server.server.registry.plugins[0]!;
    await wearOut(server, 0);
    await connection.send(streamRequest({ id: 1, plugin: "who", params: { n: 1 } }));
    await connection.send(streamRequest({ id: 2, sync: false, plugin: "who", params: { n: 2 } }));
    assertEquals((await connection.reply()).id, 2);
    // The server looks once a second; the next worker would be there by then.
    await server.until("it is told", () => {
      plugin.pool.replaceHung();
      return plugin.stats().failed === 1;
    });
    const reply = await connection.reply();
    assertEquals([reply.id, reply.code], [1, 14]);
    assertMatch(messageOf(reply), /no worker is there to run the operation: .* it waited \d+ ms/);
    await server.until("the next worker runs what waits", () => plugin.stats().done === 1);
  }));
});
