import { assertEquals, assertRejects } from "@std/assert";
import { fileURLToPath } from "node:url";
import { UnreadableFile } from "../../src/modules/read_regular.ts";
import { Nursery } from "../../src/thread/nursery.ts";
import { processorTime } from "../../src/thread/worker_threads.ts";
import { until } from "../support/until.ts";

const THIS = fileURLToPath(import.meta.url);

Deno.test("the thread that starts plugin hosts ends when it has none and nothing to read, and comes back for the next one", async () => {
  const failures: string[] = [];
  using nursery = new Nursery({ idleMs: 20 });
  const begin = () => {
    const { port1, port2 } = new MessageChannel();
    const host = nursery.start("test", { read: true }, port2, {
      posted() {},
      failed: (reason) => failures.push(reason),
    });
    return { host, port1 };
  };
  assertEquals(nursery.starting, 1);
  for (let round = 0; round < 2; round++) {
    assertEquals((await nursery.read(THIS, 1e6)).bytes.length, Deno.statSync(THIS).size);
    await until("it has ended after a file was read", () => !nursery.isRunning);
    const { host, port1 } = begin();
    assertEquals([nursery.isRunning, nursery.starting], [true, 1]);
    await until("the host's threads are known", () => Deno.build.os !== "linux" || host.threads.length > 0);
    const { threads } = host;
    // A file that is read begins no end while a host is there: another one without ends meanwhile.
    await nursery.read(THIS, 1e6);
    using other = new Nursery({ idleMs: 20 });
    await other.read(THIS, 1e6);
    await until("the other one has ended", () => !other.isRunning);
    assertEquals(nursery.isRunning, true);
    host.terminate();
    await until("it has ended after its last host", () => !nursery.isRunning);
    await until("the host has ended", () => threads.every((thread) => processorTime(thread) === undefined));
    port1.close();
  }
  assertEquals(failures, []);
});

Deno.test("nothing is read where the threads for that would find too few descriptors", async () => {
  const asked: number[] = [];
  using nursery = new Nursery({
    mayStart(threads) {
      asked.push(threads);
      return false;
    },
  });
  await assertRejects(() => nursery.read(THIS, 1e6), UnreadableFile, "raise ulimit -n");
  assertEquals([asked, nursery.isRunning], [[2], false]);
});
