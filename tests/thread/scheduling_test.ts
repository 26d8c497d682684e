import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { LeakedThreads } from "../../src/pool/leaked_threads.ts";
import { LongRuns } from "../../src/thread/long_runs.ts";
import { Nursery } from "../../src/thread/nursery.ts";
import { createRings, releaseRings } from "../../src/thread/worker_rings.ts";
import { processorTime, runTime } from "../../src/thread/worker_threads.ts";
import { until } from "../support/until.ts";

const SCHED_OTHER = 0;
const SCHED_FIFO = 1;
const SCHED_IDLE = 5;
const ignore = Deno.build.os !== "linux";

function policy(thread: string): number {
  const stat = Deno.readTextFileSync(`/proc/self/task/${thread}/stat`);
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[38]);
}

Deno.test({
  name:
    "in real time is the main thread alone, not the plugins in threads or child processes; a reload ends it",
  ignore,
  async fn() {
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-A",
        "--no-check",
        fileURLToPath(new URL("../support/realtime_server.ts", import.meta.url)),
      ],
    }).output();
    const text = new TextDecoder();
    assertEquals(text.decode(stderr), "");
    const { before, warned, ...others } = JSON.parse(text.decode(stdout));
    // Who may not have real-time priority is told so.
    assertEquals([before, warned], warned ? [SCHED_OTHER, true] : [SCHED_FIFO, false]);
    assertEquals(others, { threads: [SCHED_OTHER], children: [SCHED_OTHER], after: SCHED_OTHER, nice: 0 });
  },
});

Deno.test({
  name: "a plugin host's threads are known, run on idle cores alone once demoted, and end with it",
  ignore,
  async fn() {
    using nursery = new Nursery();
    const { port1, port2 } = new MessageChannel();
    const failures: string[] = [];
    const host = nursery.start("test", { read: true }, port2, {
      posted: () => failures.push("it posted something"),
      failed: (reason) => failures.push(reason),
    });
    await until("its threads are known", () => host.threads.length > 0);
    const { threads } = host;
    nursery.demote(threads);
    await until("they are demoted", () => threads.every((thread) => policy(thread) === SCHED_IDLE));
    host.terminate();
    await until("it has ended", () => threads.every((thread) => processorTime(thread) === undefined));
    port1.close();
    assertEquals(failures, []);
  },
});

Deno.test({
  name: "an ended worker's memory goes back once its threads have ended, not while one is there",
  ignore,
  async fn() {
    using nursery = new Nursery();
    const { port1, port2 } = new MessageChannel();
    const host = nursery.start("test", { read: true }, port2, { posted() {}, failed() {} });
    await until("its threads are known", () => host.threads.length > 0);
    const leaks = new LeakedThreads(() => {});
    let released = 0;
    leaks.terminated(host.threads, () => released++);
    for (let looks = 0; looks < 2; looks++) leaks.look();
    assertEquals(released, host.threads.length === 1 ? 0 : released);
    host.terminate();
    await until("its threads have ended", () => {
      leaks.look();
      return released === 1;
    });
    leaks.look();
    assertEquals(released, 1);
    port1.close();
  },
});

Deno.test("of rings that are given back all records go, and the words by which the sides know where they are stay", () => {
  const rings = createRings(8192);
  const all = [rings.sync, rings.async, rings.syncReplies, rings.asyncReplies];
  for (const { buffer } of all) new Uint8Array(buffer).fill(7);
  releaseRings(rings, (bytes) => bytes.fill(0));
  for (const { buffer } of all) {
    const bytes = new Uint8Array(buffer);
    const kept = bytes.indexOf(0);
    assertEquals([kept > 0, bytes.length - kept, bytes.subarray(kept).every((byte) => byte === 0)], [
      true,
      8192,
      true,
    ]);
  }
});

Deno.test({
  name: "a worker that computes for long runs behind all others until it gets on; one that waits does not",
  ignore,
  async fn() {
    const seen: [string, boolean][] = [];
    const runs = new LongRuns((threads, isBehind) => seen.push([threads[0]!, isBehind]));
    const worker = { inFlight: { count: 1 }, beat: 0, thread: { threads: [String(threadId())] } };
    const look = () => runs.look([worker]);
    look();
    // It waits.
    for (let i = 0; i < 3; i++) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      look();
    }
    assertEquals(seen, []);
    compute(20);
    look();
    const [thread] = worker.thread.threads;
    assertEquals(seen, [[thread, true]]);
    worker.beat++;
    look();
    assertEquals(seen, [[thread, true], [thread, false]]);
    // Without an operation it is its own affair.
    worker.inFlight.count = 0;
    look();
    compute(20);
    look();
    assertEquals(seen.length, 2);
    const computeLong = () => {
      worker.inFlight.count = 1;
      look();
      compute(20);
      look();
    };
    computeLong();
    assertEquals(seen.splice(2), [[thread, true]]);
    worker.inFlight.count = 0;
    look();
    assertEquals(seen.splice(2), [[thread, false]]);
    computeLong();
    // One that has ended meanwhile stays behind.
    runs.look([]);
    runs.end();
    assertEquals(seen.splice(2), [[thread, true]]);
    worker.beat++;
    look();
    computeLong();
    runs.end();
    assertEquals(seen.splice(2).at(-1), [thread, false]);
  },
});

function threadId(): number {
  return Number(Deno.readLinkSync("/proc/thread-self").split("/").at(-1));
}

/** So many ms of the core's time, however long that takes. */
function compute(ms: number): void {
  const thread = String(threadId());
  const end = runTime(thread) + ms;
  while (runTime(thread) < end);
}
