import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { begun, request, source, toldBy } from "../support/batch_plugin.ts";
import { messageOf, valueOf } from "../support/requests.ts";
import { TestServer } from "../support/test_server.ts";

Deno.test("a stopping server runs what has been gathered and does not wait for more", async () => {
  for (const isolation of ["worker", "process"] as const) {
    const server = await TestServer.start({
      server: { drain_timeout: "20s" },
      plugins: [{ name: "p", source: source(2), isolation }],
    });
    try {
      using connection = await server.connect();
      await connection.send(...Array.from({ length: 50 }, (_, n) => request(n, 1005, { n })));
      await server.until("they are gathered", () => server.plugin("p").in_flight === 50);
      const drained = server.server.drain();
      const told = await toldBy(connection, 50);
      assert(told.every(({ size }) => size >= 1));
      await drained;
    } finally {
      await server[Symbol.asyncDispose]();
    }
  }
});

Deno.test("a reload does not wait for what a batch waits for, and what was gathered is run by the code that has it", async () => {
  for (const concurrency of [1, 4]) {
    const plugin = { name: "p", source: source(concurrency), timeout: 1000 };
    await using server = await TestServer.start({ plugins: [plugin] });
    using connection = await server.connect();
    await connection.send(...Array.from({ length: 20 }, (_, n) => request(n, 1005, { n })));
    await server.until("they are gathered", () => begun(server).length === 20);
    await server.reload({ plugins: [{ ...plugin, source: `${plugin.source}// changed` }] });
    const told = await toldBy(connection, 20);
    assertEquals(told.map(({ batch, size }) => [batch, size]), Array.from({ length: 20 }, () => [0, 20]));
  }
});

Deno.test("a server that stops at once runs what has been gathered", async () => {
  await using server = await TestServer.start({ plugins: [{ name: "p", source: source(2) }] });
  using connection = await server.connect();
  await connection.send(...Array.from({ length: 20 }, (_, n) => request(n, 1005, { n }, false)));
  await server.until("they are gathered", () => begun(server).length === 20);
  await server.server.stop();
  assertEquals([server.plugin("p").done, server.plugin("p").failed], [20, 0]);
});

Deno.test("a worker that waits for further operations longer than one may take is no worker that hangs", async () => {
  const waits = `export default {
    name: "p",
    commands: {
      1001: { name: "waits", batch: { max: 10, wait: "3s" }, runBatch: (operations) => operations.map(() => "waited") },
    },
  };`;
  await using server = await TestServer.start({
    plugins: [{ name: "p", source: waits, timeout: 50, grace: 0 }],
  });
  using connection = await server.connect();
  await connection.send(request(1, 1001));
  assertEquals(valueOf(await connection.reply()), "waited");
  assertEquals(server.plugin("p").restarts, 0);
});

Deno.test("a batch that takes too long is answered 14 for each of its operations, and its worker replaced", async () => {
  await using server = await TestServer.start({
    plugins: [{ name: "p", source: source(1), timeout: 100, grace: 50 }],
  });
  using connection = await server.connect();
  await connection.send(...[1, 2, 3, 4].map((id) => request(id, 1006)));
  for (const reply of await connection.replies(4)) {
    assertEquals(reply.code, 14);
    assertStringIncludes(messageOf(reply), "the batch took longer than its time-out of 100 ms");
  }
  await server.until("the worker is replaced", () => server.plugin("p").restarts === 1);
});

Deno.test("an operation that is cancelled while its batch is gathered does not run", async () => {
  await using server = await TestServer.start({ plugins: [{ name: "p", source: source(1) }] });
  using connection = await server.connect();
  await connection.send(...[0, 1, 2].map((n) => request(n, 1005, { n })));
  await server.until("they are gathered", () => begun(server).length === 3);
  const [plugin] = server.server.registry.plugins;
  assertEquals(plugin!.cancel(begun(server)[1]!), "cancelling");
  const reply = await connection.reply();
  assertEquals([reply.id, reply.code, messageOf(reply)], [1, 14, "the operation was cancelled"]);
  await connection.send(request(3, 1004));
  assertEquals((await toldBy(connection, 2)).map(({ n, size }) => [n, size]), [[0, 2], [2, 2]]);
  assertEquals(valueOf(await connection.reply()), 1);
  assertEquals([server.plugin("p").cancelled, server.plugin("p").done], [1, 3]);

  await connection.send(request(4, 1005, { n: 4 }));
  await server.until("it is gathered", () => begun(server).length === 1);
  plugin!.cancel(begun(server)[0]!);
  assertEquals((await connection.reply()).code, 14);
  await connection.send(request(5, 1004));
  assertEquals(valueOf(await connection.reply()), 1, "a batch that is empty is not run, and takes no place");
});

Deno.test("cancelling operations of a running batch aborts their signals, with the last one the batch's", async () => {
  await using server = await TestServer.start({ plugins: [{ name: "p", source: source(1) }] });
  using connection = await server.connect();
  await connection.send(...[0, 1, 2].map((n) => request(n, 1007, { n })));
  await server.until("they run", () => begun(server).length === 3);
  const [plugin] = server.server.registry.plugins;
  for (const id of begun(server).reverse()) plugin!.cancel(id);
  for (const reply of await connection.replies(3)) {
    assertEquals([reply.code, messageOf(reply)], [40, "the operation was cancelled 2,1,0"]);
  }
  assertEquals(server.plugin("p").cancelled, 3);
});

Deno.test("what a dying worker had gathered or was running is tried again where the config says so, and nothing is lost", async () => {
  for (const isolation of ["worker", "process"] as const) {
    const dying = `
      export default {
        name: "p",
        concurrency: 2,
        commands: {
          1001: { name: "waits", batch: { max: 50, wait: "800ms" }, runBatch: (operations) => operations.map(() => 1) },
          1002: {
            name: "hangs at first",
            batch: { max: 50 },
            async runBatch(operations, { cache }) {
              if (await cache.get("hung") === undefined) {
                await cache.set("hung", "yes");
                await new Promise(() => {});
              }
              return operations.map(() => 2);
            },
          },
        },
      };`;
    await using server = await TestServer.start({
      plugins: [{
        name: "p",
        source: dying,
        isolation,
        // What does well is not over its time on a busy machine.
        timeout: 1500,
        grace: 50,
        retry: { maxAttempts: 3, backoff: 1, maxBackoff: 10 },
      }],
    });
    using connection = await server.connect();
    await connection.send(...Array.from({ length: 80 }, (_, n) => request(n, 1001 + n % 2, { n }, false)));
    assertEquals((await connection.replies(80)).every(({ code }) => code === 1000), true);
    await server.until("all are done", () => server.plugin("p").done === 80);
    assertEquals([server.plugin("p").restarts, server.plugin("p").failed], [1, 0]);
  }
});
