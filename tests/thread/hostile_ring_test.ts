import { assertEquals } from "@std/assert";
import { streamRequest, valueOf } from "../support/requests.ts";
import { TestServer } from "../support/test_server.ts";
import { until } from "../support/until.ts";

/** Gets hold of the memory that its host shares with the main thread, and of its port, and writes there what it likes. */
const SOURCE = `const memories = new Set(), Words = Int32Array;
globalThis.Int32Array = new Proxy(Words, { construct(target, args, made) {
  if (args[0] instanceof SharedArrayBuffer) memories.add(args[0]);
  return Reflect.construct(target, args, made);
} });
let port;
const post = MessagePort.prototype.postMessage;
MessagePort.prototype.postMessage = function (...args) { port ??= this; return post.apply(this, args); };
const [HEAD, SLEEPING, TAIL, RECORDS] = [0, 16, 32, 64];
function* rings() {
  for (const memory of memories) if (memory.byteLength > 4096) yield new Words(memory);
}
const ways = {
  unaligned(words) { Atomics.add(words, HEAD, 1); },
  beyond(words) { Atomics.store(words, HEAD, Atomics.load(words, TAIL) + 4 * words.length + 4); },
  length(words) { words.fill(0x7fffffff, RECORDS); Atomics.add(words, HEAD, 64); },
  skip(words) { words.fill(-1, RECORDS); Atomics.add(words, HEAD, 64); },
  tail(words) { Atomics.add(words, TAIL, 1 << 28); },
};
export default { name: "p", commands: {
  1001: { name: "good", run: (context) => context.params },
  1002: { name: "break", run(context) {
    const way = context.params.string("way");
    setTimeout(() => {
      for (const words of rings()) { ways[way](words); Atomics.notify(words, SLEEPING); }
      post.call(port, { kind: "failed", message: "broken" });
    }, 20);
  } },
  1003: { name: "flood", run() {
    setTimeout(() => {
      for (const words of rings()) words.fill(0, RECORDS);
      post.call(port, { kind: "failed", message: "flooding" });
      const end = performance.now() + 1000;
      while (performance.now() < end) {
        for (const words of rings()) {
          const unread = (Atomics.load(words, HEAD) - Atomics.load(words, TAIL)) >>> 0;
          if (unread < 8192) { Atomics.add(words, HEAD, 4096); Atomics.notify(words, SLEEPING); }
        }
      }
    }, 20);
  } },
} };`;

for (const isolation of ["worker", "process"] as const) {
  Deno.test(`whatever a plugin writes into the memory of its rings, the server goes on and replaces its worker (${isolation})`, async () => {
    const plugins = [{ name: "p", source: SOURCE, isolation }, { name: "echo" }];
    await using server = await TestServer.start({ plugins });
    using connection = await server.connect();
    const ask = async (plugin: string, command: number, params = {}) => {
      await connection.send(streamRequest({ plugin, command, params }));
      return await connection.reply();
    };
    let restarts = 0;
    for (const way of ["unaligned", "beyond", "length", "skip", "tail", "flood"]) {
      await ask("p", way === "flood" ? 1003 : 1002, { way });
      await until(
        `its worker is replaced after "${way}"`,
        () => server.plugin("p").restarts > restarts,
        30_000,
      );
      restarts = server.plugin("p").restarts;
      assertEquals(valueOf(await ask("echo", 1001, { way })), { way });
      await until(`it works again after "${way}"`, async () => (await ask("p", 1001)).code === 1000, 90_000);
    }
  });
}
