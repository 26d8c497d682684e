import { assertEquals } from "@std/assert";
import { LaneId } from "../../src/queue/operation_queue.ts";
import { Credit } from "../../src/pool/credit.ts";
import type { PluginDeclaration } from "../../src/ring/messages.ts";

function declaration(concurrency: number, ...batches: number[]): PluginDeclaration {
  const commands = [1, ...batches].map((max, at) => ({
    number: 1001 + at,
    name: "c",
    description: "",
    idempotent: false,
    batch: at === 0 ? null : { max, wait: 0 },
  }));
  return {
    biz: undefined,
    description: "",
    concurrency,
    commands,
    timers: [],
    example: null,
    isStanding: false,
  };
}

function most(credit: Credit, lane: LaneId = LaneId.Sync): number {
  let held = 0;
  while (credit.allows(lane, held)) held++;
  return held;
}

Deno.test("a worker gets what it runs at once and about 2 ms of work ahead", () => {
  const credit = new Credit("worker");
  assertEquals(most(credit), 0, "before it has said what it does");
  credit.begin(declaration(4));
  assertEquals(most(credit), 5);
  for (let i = 0; i < 1000; i++) credit.ran(80);
  assertEquals(most(credit), 5, "until it replies");
  credit.renew();
  assertEquals(most(credit), 4 + 24);
  for (let i = 0; i < 1000; i++) credit.ran(0);
  credit.renew();
  assertEquals(most(credit), 4 + 1024);
  credit.cut();
  assertEquals(most(credit), 4);
});

Deno.test("a worker with batches gets all that its places hold, and the next batch", () => {
  const credit = new Credit("worker");
  credit.begin(declaration(3, 10, 200));
  assertEquals(most(credit), 3 * 200 + 200);
  const large = new Credit("process");
  large.begin(declaration(65536, 100_000));
  assertEquals(most(large), 1_000_000);
});

Deno.test("what a worker leaves unbegun says that its places are taken, by however few operations, until it replies", () => {
  const credit = new Credit("worker");
  credit.begin(declaration(2, 100));
  credit.cut();
  assertEquals(most(credit), 200);
  credit.left(LaneId.Sync, 37);
  assertEquals([most(credit, LaneId.Sync), most(credit, LaneId.Async)], [37, 200]);
  credit.cut();
  assertEquals(most(credit, LaneId.Sync), 37, "another look changes nothing");
  credit.left(LaneId.Sync, 0);
  assertEquals(most(credit, LaneId.Sync), 2, "never nothing: it would not reply any more");
  credit.renew();
  assertEquals(most(credit, LaneId.Sync), 300);
});
