import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { RoutedPlugin } from "../../src/router/routed_plugin.ts";
import { messageOf, streamRequest, valueOf } from "../support/requests.ts";
import { TestServer } from "../support/test_server.ts";

const RETRY = { maxAttempts: 3, backoff: 1, maxBackoff: 2 };

/** Plugin `p`: 1001 fails with the params' code and wish, always. */
const FAILS = `export default {
  name: "p",
  commands: {
    1001: {
      name: "fail",
      idempotent: true,
      run(context) {
        const { code, wish } = context.params.all();
        throw context.fail(code, "it fails", wish);
      },
    },
  },
};`;

function start(retry: { maxAttempts: number; backoff: number; maxBackoff: number }): Promise<TestServer> {
  return TestServer.start({ plugins: [{ name: "p", source: FAILS, retry }] });
}

function routed(server: TestServer): RoutedPlugin {
  return server.server.registry.plugins[0]!;
}

Deno.test("an error that the plugin says is lasting is not tried again, whatever its code", async () => {
  await using server = await start({ maxAttempts: 5, backoff: 1, maxBackoff: 2 });
  using connection = await server.connect();
  for (const [index, code] of [14, 40].entries()) {
    for (const sync of [true, false]) {
      await connection.send(
        streamRequest({ plugin: "p", sync, params: { code, wish: { retry: false } } }),
      );
      const reply = await connection.reply();
      assertEquals(reply.code, sync ? code : 1000);
    }
    await server.until("both have failed", () => server.plugin("p").failed === (index + 1) * 2);
  }
  assertEquals(server.plugin("p").retries, 0);
  assertEquals(routed(server).peekDead(10).map(({ attempts }) => attempts), [1, 1]);
  assertEquals(server.log.filter((line) => line.includes("an operation has thrown")), []);
});

Deno.test("an error without a wish is tried again as before", async () => {
  await using server = await start({ maxAttempts: 3, backoff: 1, maxBackoff: 2 });
  using connection = await server.connect();
  for (const params of [{ code: 40 }, { code: 14, wish: { retryAfter: 1 } }]) {
    await connection.send(streamRequest({ plugin: "p", params }));
    assertEquals((await connection.reply()).code, params.code);
  }
  assertEquals(server.plugin("p").retries, 4);
});

Deno.test("the time a plugin asks for before the next attempt is kept, at most the config's max_backoff", async () => {
  await using server = await start({ maxAttempts: 2, backoff: 1, maxBackoff: 50_000 });
  using connection = await server.connect();
  const wishes = [[20_000, 20_000], [3_600_000, 50_000], [Number.MAX_SAFE_INTEGER, 50_000]] as const;
  for (const [index, [retryAfter, most]] of wishes.entries()) {
    await connection.send(
      streamRequest({ plugin: "p", sync: false, params: { code: 30, wish: { retryAfter } } }),
    );
    await connection.reply();
    await server.until("it is parked", () => server.plugin("p").retrying === index + 1);
    const shown = routed(server).peek(10).find(({ id }) => id === index + 1);
    assert(shown!.due_in_ms! > most - 15_000 && shown!.due_in_ms! <= most, `${shown!.due_in_ms}`);
  }
});

Deno.test("a wish that is none, and a code that no plugin may use, are answered 14 with what is wrong", async () => {
  await using server = await start({ maxAttempts: 1, backoff: 1, maxBackoff: 2 });
  using connection = await server.connect();
  for (
    const [params, sentence] of [
      [{ code: 40, wish: { retryAfter: -1 } }, "retryAfter -1 is no time in ms"],
      [{ code: 40, wish: { retryAfter: "soon" } }, "retryAfter soon is no time in ms"],
      [{ code: 21 }, "code 21 is not a whole number from 25 to 999, nor 14, 19, 20, 23 or 24"],
      [{ code: 1000 }, "code 1000 is not"],
    ] as const
  ) {
    await connection.send(streamRequest({ plugin: "p", params }));
    const reply = await connection.reply();
    assertEquals(reply.code, 14);
    assertStringIncludes(messageOf(reply), sentence);
  }
});

/** Plugin `p`: 1001 puts its operations off until the third time, and tells then what it has seen of their ids. */
const PUTS_OFF = `
const seen = new Map();
export default {
  name: "p",
  concurrency: 8,
  commands: {
    1001: {
      name: "later",
      run(context) {
        const nth = context.params.int("nth");
        const ids = [...seen.get(nth) ?? [], context.id];
        seen.set(nth, ids);
        const { ms, error } = context.params.all();
        if (ids.length < 3) throw error ? context.fail(40, "again") : context.later(ms, "not yet");
        return { ids };
      },
    },
  },
};`;

Deno.test("what a plugin puts off is run later without an attempt, sync and async, and keeps its id", async () => {
  await using server = await TestServer.start({ plugins: [{ name: "p", source: PUTS_OFF }] });
  using connection = await server.connect();
  const all: string[] = [];
  for (const nth of [1, 2, 3]) {
    await connection.send(streamRequest({ plugin: "p", params: { nth, ms: 5 } }));
    const { ids } = valueOf(await connection.reply()) as { ids: string[] };
    assertEquals([ids.length, new Set(ids).size], [3, 1]);
    assertMatch(ids[0]!, /^[\w-]{1,64}$/);
    all.push(ids[0]!);
  }
  assertEquals(new Set(all).size, 3);
  await connection.send(streamRequest({ plugin: "p", sync: false, params: { nth: 4, ms: 5 } }));
  await connection.reply();
  await server.until("it is done", () => server.plugin("p").done === 4);
  const { retries, failed } = server.plugin("p");
  assertEquals([retries, failed], [0, 0]);
});

Deno.test("a time that is none is refused with its name, where an operation is put off and where it is to wait for its next attempt", async () => {
  const source = `export default { name: "p", commands: { 1001: { name: "times", run({ later, fail }) {
    const told = [];
    for (const ms of [Infinity, -Infinity, NaN, -1, -0.001, "100", null, undefined, {}, 10n]) {
      for (const make of [() => later(ms, "not yet"), () => fail(40, "no", { retryAfter: ms })]) {
        try { told.push(make().name); } catch (error) { told.push(error.name + ": " + error.message); }
      }
    }
    return { told, fine: [0, 0.5, 1e300].map((ms) => later(ms, "not yet").retryAfter) };
  } } } };`;
  await using server = await TestServer.start({ plugins: [{ name: "p", source }] });
  using connection = await server.connect();
  await connection.send(streamRequest({ plugin: "p" }));
  const { told, fine } = valueOf(await connection.reply()) as { told: string[]; fine: number[] };
  const shown = [
    "Infinity",
    "-Infinity",
    "NaN",
    "-1",
    "-0.001",
    "100",
    "of type object",
    "of type undefined",
  ];
  for (const [index, each] of [...shown, "of type object", "of type bigint"].entries()) {
    assertEquals(told[index * 2], `RangeError: context.later: ms ${each} is no time in ms`);
    // Nothing said of it is no wish.
    const wish = `RangeError: context.fail: retryAfter ${each} is no time in ms`;
    assertEquals(told[index * 2 + 1], index === 7 ? "OperationError" : wish);
  }
  assertEquals(fine, [10, 10, 16_777_214], "at least 10 ms, at most four hours and a half");
});

Deno.test("operations of two plugins never have the same id, though each counts its own", async () => {
  await using server = await TestServer.start({
    plugins: ["p", "q"].map((name) => ({ name, source: PUTS_OFF })),
  });
  using connection = await server.connect();
  const runs: string[] = [];
  for (const plugin of ["p", "q"]) {
    await connection.send(streamRequest({ plugin, params: { nth: 1, ms: 0 } }));
    const { ids } = valueOf(await connection.reply()) as { ids: string[] };
    runs.push(ids[0]!.split("-")[0]!);
  }
  assertEquals(new Set(runs).size, 2);
});

Deno.test("an operation has the same id in all its attempts", async () => {
  await using server = await TestServer.start({
    plugins: [{
      name: "p",
      source: PUTS_OFF.replace('"later",', '"later", idempotent: true,'),
      retry: RETRY,
    }],
  });
  using connection = await server.connect();
  await connection.send(streamRequest({ plugin: "p", params: { nth: 1, error: true } }));
  const { ids } = valueOf(await connection.reply()) as { ids: string[] };
  assertEquals([ids.length, new Set(ids).size, server.plugin("p").retries], [3, 1, 2]);
});

Deno.test("what was put off can be cancelled, expires, and keeps its time", async () => {
  await using server = await TestServer.start({ plugins: [{ name: "p", source: PUTS_OFF, ttl: 50 }] });
  using connection = await server.connect();
  await connection.send(streamRequest({ plugin: "p", params: { nth: 1, ms: 3_600_000 } }));
  await server.until("it is put off", () => server.plugin("p").retrying === 1);
  const [shown] = routed(server).peek(10);
  assert(shown!.due_in_ms! > 3_500_000 && shown!.due_in_ms! <= 3_600_000);
  assertEquals([shown!.attempts, routed(server).cancel(shown!.id)], [0, "cancelled"]);
  assertEquals((await connection.reply()).code, 14);
  await connection.send(streamRequest({ plugin: "p", params: { nth: 2, ms: 100 } }));
  assertEquals((await connection.reply()).code, 21);
  assertEquals([server.plugin("p").cancelled, server.plugin("p").expired], [1, 1]);
});
