import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { burstRates, type CapacityFigures, capacityPlan } from "../../src/cli/bench/capacity_plan.ts";
import { JournalStandIn } from "../support/journal_stand_in.ts";
import { mevent, MeventProcess } from "../support/mevent.ts";
import { TestServer } from "../support/test_server.ts";

const FIGURES: CapacityFigures = {
  intakeRate: 100_000,
  workOffRate: 10_000,
  bytesPerOperation: 136,
  maxOps: 1_000_000,
  maxBytes: 256 * 2 ** 20,
  maxQueueBytes: 2 ** 30,
  otherQueueBytes: 0,
  disk: null,
};

/** One command that takes the milliseconds it is given, one at a time; and one that ends when it is told to. */
const WORKERS = `export default { name: "slow", concurrency: 1, commands: {
  1001: { name: "work", run: (context) => new Promise((done) => setTimeout(done, context.params.int("ms"))) },
  1002: { name: "wait", run: ({ signal }) =>
    new Promise((_, give) => signal.addEventListener("abort", () => give(signal.reason))) },
} };`;

function slowServer(maxOps: number): Promise<TestServer> {
  return TestServer.start({
    server: { drain_timeout: "0" },
    plugins: [{ name: "slow", source: WORKERS, queue: { maxOps, maxBytes: 2 ** 20 } }],
  });
}

Deno.test("a burst is absorbed for as long as what comes in and is not worked off fits the queue", () => {
  const { bursts, ...plan } = capacityPlan(FIGURES, [5000, 10_000, 30_000, 100_000, 200_000]);
  assertEquals(plan, {
    holdsOperations: 1_000_000,
    holdsBytes: 136_000_000,
    holdsDiskBytes: 0,
    bounds: { max_ops: 1_000_000, max_bytes: 1_973_790, max_queue_bytes: 7_895_160 },
    firstBound: "max_ops",
  });
  assertEquals(bursts, [
    { rate: 5000, workingSeconds: null, deadSeconds: 200, aboveIntake: false },
    { rate: 10_000, workingSeconds: null, deadSeconds: 100, aboveIntake: false },
    { rate: 30_000, workingSeconds: 50, deadSeconds: 1_000_000 / 30_000, aboveIntake: false },
    { rate: 100_000, workingSeconds: 1_000_000 / 90_000, deadSeconds: 10, aboveIntake: false },
    // No more comes in than the intake.
    { rate: 200_000, workingSeconds: 1_000_000 / 90_000, deadSeconds: 10, aboveIntake: true },
  ]);
});

Deno.test("the bound that lets in least is named, and what other queues hold is not free", () => {
  const large = capacityPlan({ ...FIGURES, bytesPerOperation: 1000 }, []);
  assertEquals([large.firstBound, large.holdsOperations], ["max_bytes", 268_435]);
  const crowded = capacityPlan({ ...FIGURES, otherQueueBytes: 2 ** 30 - 13_600 }, [100]);
  assertEquals([crowded.firstBound, crowded.holdsOperations], ["max_queue_bytes", 100]);
  assertEquals(crowded.bursts[0]?.deadSeconds, 1);
  const over = capacityPlan({ ...FIGURES, otherQueueBytes: 2 ** 31 }, []);
  assertEquals(over.holdsOperations, 0);
});

Deno.test("a burst that a journal absorbs is bounded by the disk, and not by the memory of queues", () => {
  const disk = {
    bytesPerOperation: 152,
    bytes: 100,
    maxDisk: 15_300,
    allBytes: 1000,
    allMaxDisk: 2 ** 30,
    freeBytes: null,
  };
  const figures = { ...FIGURES, bytesPerOperation: 1024, maxQueueBytes: 32 * 2 ** 20 };
  const plan = capacityPlan({ ...figures, disk }, [30_000]);
  assertEquals([plan.firstBound, plan.holdsOperations, plan.holdsDiskBytes], [
    "journal.max_disk",
    100,
    15_200,
  ]);
  assertEquals(plan.bursts[0]?.deadSeconds, 100 / 30_000);
  assertEquals(Object.keys(plan.bounds), ["max_ops", "max_bytes", "journal.max_disk", "server.max_disk"]);
  const crowded = capacityPlan({ ...figures, otherQueueBytes: 32 * 2 ** 20 - 2048, disk }, []);
  assertEquals([crowded.firstBound, crowded.holdsOperations], ["max_queue_bytes", 2]);
  const shared = capacityPlan({ ...figures, disk: { ...disk, allMaxDisk: 1304 } }, []);
  assertEquals([shared.firstBound, shared.holdsOperations], ["server.max_disk", 2]);
  const full = capacityPlan({ ...figures, disk: { ...disk, freeBytes: 151 } }, []);
  assertEquals([full.firstBound, full.holdsOperations], ["disk", 0]);
});

Deno.test("without a rate there are some below the work-off, some between it and the intake, and the intake", () => {
  assertEquals(burstRates(FIGURES), [5000, 10_000, 11_000, 15_000, 20_000, 25_000, 50_000, 100_000]);
  assertEquals(burstRates({ ...FIGURES, intakeRate: 123_456, workOffRate: 123_456 }), [
    12_000,
    30_000,
    61_000,
    120_000,
  ]);
  assertEquals(burstRates({ ...FIGURES, intakeRate: 3, workOffRate: 0 }), [1, 3]);
});

Deno.test("bench --capacity measures a server, fills half of its queue at most and leaves it empty", async () => {
  await using server = await TestServer.start({
    plugins: [{ name: "echo", biz: 3, queue: { maxOps: 4000, maxBytes: 2 ** 20 } }],
  });
  const args = ["bench", "--capacity", "--unix", server.unix, "--plugin", "3", "--cmd", "1003", "ms:=5"];
  const { code, stdout, stderr } = await mevent([...args, "--json", "--rate", "1000"]);
  assertEquals([code, stderr], [0, ""]);
  const result = JSON.parse(stdout);
  assertEquals([result.left, result.interrupted, result.bytes_measured], [0, false, true]);
  assertEquals([result.max_ops, result.max_bytes, result.max_queue_bytes], [4000, 2 ** 20, 2 ** 30]);
  // A header of 32 bytes and {"ms":5}.
  assertEquals([result.bytes_per_operation, result.holds_operations, result.first_bound], [
    40,
    4000,
    "max_ops",
  ]);
  assertEquals([result.holds_bytes, result.intake_operations], [160_000, 2000]);
  // 256 at a time, each at least 5 ms.
  assert(result.work_off_rate > 0 && result.work_off_rate <= 256 / 0.005);
  assertEquals(result.bursts.map(({ rate }: { rate: number }) => rate), [1000]);
  assertEquals(result.bursts[0].dead_seconds, 4);
  const { queued, in_flight, queue_bytes, busy } = server.plugin("echo");
  assertEquals([queued, in_flight, queue_bytes, busy], [0, 0, 0, 0]);
});

Deno.test("bench --capacity of a plugin with a journal tells what the disk takes", async () => {
  const standIn = new JournalStandIn();
  await using server = await TestServer.start({
    server: { data: "/journals", max_queue_bytes: "33 MiB" },
    plugins: [{
      name: "echo",
      durability: "journal",
      journal: { sync: 0, maxDisk: 224_000 },
      queue: { maxOps: 1_000_000, maxBytes: 2 ** 20 },
    }],
    journalThread: standIn.start,
  });
  const args = ["bench", "--capacity", "--unix", server.unix, "--cmd", "1003", "ms:=5", "--rate", "1000"];
  const json = await mevent([...args, "--json"]);
  assertEquals([json.code, json.stderr], [0, ""]);
  const { disk, ...result } = JSON.parse(json.stdout);
  // A record of 48 bytes and {"ms":5}.
  assertEquals([disk.bytes_per_operation, disk.max_disk, disk.free_bytes], [56, 224_000, null]);
  assertEquals([result.first_bound, result.holds_operations, disk.holds_bytes], [
    "journal.max_disk",
    4000,
    224_000,
  ]);
  assertEquals([result.left, result.intake_operations, result.bursts[0].dead_seconds], [0, 2000, 4]);
  const { stdout } = await mevent(args);
  assertMatch(stdout, /^operation +\d+ bytes in the queue(, computed)?, 56 on disk$/m);
  assertMatch(stdout, /^journal\.max_disk +219 KiB, 4,000 operations {2}<- reached first$/m);
  assertMatch(stdout, /^holds +4,000 operations in 219 KiB$/m);
  assertStringIncludes(stdout, "what has ended leaves the disk in time");
});

Deno.test("bench --capacity prints a table, and what it assumes", async () => {
  await using server = await TestServer.start({
    plugins: [{ name: "echo", queue: { maxOps: 2000, maxBytes: 2 ** 20 } }],
  });
  const { code, stdout } = await mevent(["bench", "--capacity", "--unix", server.unix]);
  assertEquals(code, 0);
  assertMatch(stdout, /^intake +[\d,]+\/s: 1,000 operations in \d+\.\d\d s, each acknowledged$/m);
  assertMatch(stdout, /^max_ops +2,000 operations {2}<- reached first$/m);
  assertMatch(stdout, /^max_bytes +1 MiB, [\d,]+ operations$/m);
  assertMatch(
    stdout,
    /^ +burst +plugin works +plugin is dead\n( *[\d,]+\/s +.+\n)+\nAssumes:\n(- .+\n){4,}$/m,
  );
});

Deno.test("bench --capacity gives a slow plugin no more than it works off in half of the wait", async () => {
  await using server = await slowServer(100_000);
  const args = ["bench", "--capacity", "--unix", server.unix, "--plugin", "slow", "--cmd", "1001"];
  const { code, stdout } = await mevent([...args, "--wait", "800ms", "--json", "ms:=2"]);
  const result = JSON.parse(stdout);
  assertEquals([code, result.left], [0, 0]);
  assert(result.intake_operations <= 500 * 0.4, `${result.intake_operations} operations`);
  assertEquals(server.plugin("slow").queued, 0);
  assert(result.assumes.some((text: string) => text.includes("longer --wait")));
});

Deno.test("bench --capacity gives up waiting for a dead plugin and says how much it has left there", async () => {
  await using server = await slowServer(100_000);
  const args = ["bench", "--capacity", "--unix", server.unix, "--plugin", "slow", "--cmd", "1002"];
  const { code, stdout, stderr } = await mevent([...args, "--wait", "50ms"]);
  assertEquals(code, 1);
  assertStringIncludes(stderr, "gave up after 0.05 s: 64 operations are still queued");
  assertMatch(stdout, /^work-off +at least 0\/s$/m);
  assertEquals(server.plugin("slow").accepted, 64);
});

Deno.test("bench --capacity waits for an empty queue, so that no operation of others is taken for its own", async () => {
  await using server = await slowServer(100_000);
  const args = ["bench", "--unix", server.unix, "--plugin", "slow"];
  const before = ["--mode", "async", "--count", "40", "--cmd", "1001", "ms:=5"];
  assertEquals((await mevent([...args, ...before])).code, 0);
  assert(server.plugin("slow").done < 40);
  const { code, stdout } = await mevent([
    ...args,
    "--capacity",
    "--json",
    "--wait",
    "2s",
    "--count",
    "20",
    "--cmd",
    "1001",
    "ms:=1",
  ]);
  const result = JSON.parse(stdout);
  assertEquals([code, result.left, result.intake_operations, result.other_operations], [0, 0, 20, 0]);
  assertEquals(server.plugin("slow").done, 60);
});

Deno.test("bench --capacity puts nothing into a queue that stays full, and says what is in it", async () => {
  await using server = await slowServer(4);
  const args = ["bench", "--unix", server.unix, "--plugin", "slow", "--cmd", "1002"];
  assertEquals((await mevent([...args, "--mode", "async", "--count", "1"])).code, 0);
  const full = await mevent([...args, "--capacity", "--wait", "50ms"]);
  assertEquals([full.code, server.plugin("slow").accepted], [75, 1]);
  assertStringIncludes(
    full.stderr,
    "the plugin has 1 operation of others in its queue, and had after 0.05 s",
  );
});

Deno.test("bench --capacity does not measure without room", async () => {
  await using server = await slowServer(1);
  const { code, stderr } = await mevent(["bench", "--capacity", "--unix", server.unix, "--plugin", "slow"]);
  assertEquals([code, server.plugin("slow").accepted], [75, 0]);
  assertStringIncludes(stderr, "no room to measure with");
});

Deno.test("bench --capacity tells of operations of others that came meanwhile", async () => {
  await using server = await slowServer(100_000);
  const to = ["--unix", server.unix, "--cmd", "1001"];
  const bench = mevent([
    "bench",
    "--capacity",
    "--plugin",
    "slow",
    "--count",
    "64",
    "--json",
    "ms:=15",
    ...to,
  ]);
  await server.until("its operations are there", () => server.plugin("slow").accepted === 64);
  assertEquals((await mevent(["send", "--biz", "slow", "--async", "--count", "5", "ms:=1", ...to])).code, 0);
  const { code, stdout } = await bench;
  const result = JSON.parse(stdout);
  assertEquals([code, result.other_operations], [0, 5]);
  assert(result.assumes.some((text: string) => text.includes("5 operations of others")), stdout);
});

Deno.test("bench refuses a plugin that is not there before it sends anything", async () => {
  await using server = await slowServer(4);
  for (const how of [["--capacity"], [], ["--mode", "async"], ["--encoding", "json"]]) {
    const { code, stdout, stderr } = await mevent([
      "bench",
      "--unix",
      server.unix,
      "--plugin",
      "nope",
      ...how,
    ]);
    assertEquals([code, stdout], [65, ""]);
    assertStringIncludes(stderr, 'no plugin "nope"; ');
    assertStringIncludes(stderr, "slow");
  }
  assertEquals(server.stats().errors.unknown <= 3, true);
});

Deno.test("bench --capacity tells why nothing was accepted", async () => {
  await using server = await slowServer(1000);
  const { code, stdout, stderr } = await mevent([
    ...["bench", "--capacity", "--unix", server.unix, "--plugin", "slow", "--cmd", "1999"],
  ]);
  assertEquals([code, stdout], [65, ""]);
  assertMatch(stderr, /no operation was accepted\n[^]* 18 +64 REP_ERR_UNKREQ$/m);
});

Deno.test("SIGINT ends bench --capacity with what it has measured", async () => {
  await using server = await slowServer(1000);
  const args = ["--unix", server.unix, "--plugin", "slow", "--cmd", "1002", "--json"];
  const bench = new MeventProcess("bench", "--capacity", ...args);
  await server.until("its operations are there", () => server.plugin("slow").accepted === 64);
  bench.child.kill("SIGINT");
  const { code, stdout, stderr } = await bench.end();
  assertEquals([code, JSON.parse(stdout).left], [1, 64]);
  assertStringIncludes(stderr, "interrupted: 64 operations are still queued");
});
