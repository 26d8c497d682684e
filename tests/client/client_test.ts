import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  ApplicationError,
  BadParamError,
  BusyError,
  Client,
  type ClientOptions,
  ConnectError,
  ConnectionLostError,
  DatabaseError,
  FailedError,
  NoMemoryError,
  NoSuchKeyError,
  ReplyError,
  TimeoutError,
  UnknownError,
  UnsendableError,
} from "../../src/client/mod.ts";
import { keyChecksum } from "../../src/client/key_checksum.ts";
import { CuttingProxy } from "../support/cutting_proxy.ts";
import { ORDERS, ordersOf, ordersServer, PATIENT, tcp } from "../support/orders_client.ts";
import type { TestServer } from "../support/test_server.ts";
import { testToken } from "../support/tokens.ts";
import { until, within } from "../support/until.ts";

Deno.test("a client of one server", async (t) => {
  await using server = await ordersServer();

  await t.step("calls, queues and asks later over TCP, a Unix socket and UDP, in JSON and HDF", async () => {
    const { port } = server.udp;
    for (const address of [tcp(server), `unix://${server.unix}`, `udp://127.0.0.1:${port}`]) {
      for (const encoding of ["json", "hdf"] as const) {
        await using client = ordersOf(address, { encoding, padTo: 1200 });
        assertEquals(await client.call(1001, { uid: 7 }), { order: "order-7", note: "" });
        assertEquals(await client.call(1003, { n: 21 }), { twice: 42 });
        assertEquals(await client.call(1005), { accepted: true });
        assertEquals(await client.call(1006), undefined);
        await client.enqueue(1001, { uid: 8, note: "later" });
        const id = await client.submit(1001, { uid: 9, note: "asked for" });
        assert(id !== undefined);
        const { state, result } = await client.operation(id, { waitMs: 10_000 });
        assertEquals([state, result], ["done", { order: "order-9", note: "asked for" }]);
      }
    }
  });

  await t.step("numbers keep their digits", async () => {
    await using client = ordersOf(tcp(server));
    const params = { most: 9223372036854775807n, less: -9007199254740993n, text: "\x00007", zero: 0 };
    assertEquals(await client.call(1007, params), params);
  });

  await t.step("throws an error of its own class for each code, with the server's sentence", async () => {
    await using client = ordersOf(tcp(server));
    const kinds = [
      [14, FailedError],
      [19, NoMemoryError],
      [20, DatabaseError],
      [23, BadParamError],
      [
        24,
        NoSuchKeyError,
      ],
      [25, ApplicationError],
      [999, ApplicationError],
    ] as const;
    for (const [code, kind] of kinds) {
      const error = await assertRejects(() => client.call(1002, { code }), ReplyError, "as it was asked for");
      assertInstanceOf<ReplyError>(error, kind);
      assertEquals([error.code, error.name], [code, kind.name]);
    }
    await assertRejects(() => client.call(1008), FailedError, "of no code");
    await assertRejects(() => client.call(1001, { uid: "x" as unknown as number }), BadParamError, "uid");
    await assertRejects(() => client.call(1999 as 1001, { uid: 1 }), UnknownError, "1999");
    await assertRejects(() => client.for("nobody").call(1001), UnknownError, "nobody");
    await assertRejects(() => client.operation("0123456789ab-3k-1"), NoSuchKeyError);
    assertEquals((await client.request(1002, { code: 40 })).code, 40);
  });

  await t.step("gives up in time, or when its signal aborts, and the connection stays", async () => {
    await using client = ordersOf(tcp(server));
    await assertRejects(() => client.call(1004, { ms: 300 }, { timeoutMs: 20 }), TimeoutError);
    const controller = new AbortController();
    const waiting = assertRejects(
      () => client.call(1004, { ms: 300 }, { signal: controller.signal }),
      Error,
      "enough",
    );
    await until("the call is under way", () => client.inFlight === 1);
    controller.abort(new Error("enough"));
    await waiting;
    await assertRejects(() => client.call(1006, {}, { signal: controller.signal }), Error, "enough");
    await assertRejects(() => client.call(1006, {}, { timeoutMs: 0 }), RangeError, "time-out");
    await assertRejects(() => client.call(1007, { text: "x".repeat(70_000) }), UnsendableError, "maxFrame");
    await using hdf = ordersOf(tcp(server), { encoding: "hdf" });
    await assertRejects(() => hdf.call(1007, { none: null }), UnsendableError, '"none" is null');
    assertEquals(await client.call(1006), undefined);
  });

  await t.step("opens further connections while those it has are busy, and no more than it may", async () => {
    const open = () => server.stats().connections.open;
    await server.until("those of before have gone", () => open() === 0);
    await using client = ordersOf(tcp(server), { connections: 3 });
    for (let n = 0; n < 10; n++) await client.call(1006);
    assertEquals(open(), 1);
    let isBusy = true;
    const callers = Array.from({ length: 30 }, async (_, n) => {
      while (isBusy) assertEquals(await client.call(1004, { ms: n % 7 }), n % 7);
    });
    // Further ones are opened one after the other, each because callers are busy when the last has come.
    await until("three are open", () => open() === 3).finally(() => isBusy = false);
    await Promise.all(callers);
    assertEquals(open(), 3);
    await client.close();
    await server.until("all are closed", () => open() === 0);
    await assertRejects(() => client.call(1006), ConnectionLostError, "was closed");
  });

  await t.step(
    "any number of calls on one connection get their own replies, however often it is cut",
    async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 30 }), {
            minLength: 1,
            maxLength: 4,
          }),
          fc.array(fc.constantFrom("before", "after", undefined, undefined, undefined), { maxLength: 8 }),
          async (rounds, fates) => {
            const left = [...fates];
            await using proxy = new CuttingProxy(server.tcp.port, () => left.shift());
            await using client = ordersOf(`tcp://127.0.0.1:${proxy.port}`, {
              connections: 2,
              minBackoffMs: 1,
            });
            for (const [round, waits] of rounds.entries()) {
              const results = await Promise.allSettled(
                waits.map((ms, n) => client.call(1007, { ms, call: `${round}.${n}` })),
              );
              for (const [n, result] of results.entries()) {
                if (result.status === "fulfilled") {
                  assertEquals(result.value, {
                    ms: waits[n]!,
                    call: `${round}.${n}`,
                  });
                } else assertInstanceOf(result.reason, ConnectionLostError);
              }
            }
            left.length = 0;
            // A connection whose end has not been noticed yet may take one call with it.
            await client.call(1006).catch((error) => assertInstanceOf(error, ConnectionLostError));
            await until("it is back", () => client.call(1006).then(() => true, () => false));
          },
        ),
        { numRuns: 20 },
      );
    },
  );
});

Deno.test("a server that goes and comes back is connected to again, and calls wait for it as long as they may", async () => {
  // Below those that the system gives to others meanwhile, or to the client that knocks there.
  const port = 20_000 + Deno.pid % 10_000;
  const at = { server: { tcp: `127.0.0.1:${port}` } };
  let server: TestServer | null = await ordersServer(at);
  await using client = ordersOf(tcp(server), { minBackoffMs: 5, maxBackoffMs: 50 });
  try {
    assertEquals(await client.call(1004, { ms: 0 }), 0);
    await server[Symbol.asyncDispose]();
    server = null;
    const call = () => client.call(1006, {}, { timeoutMs: 100 });
    // Where the end of the connection has not been read yet, the call is sent, and lost with it.
    const first = await call().catch((error: unknown) => error);
    assert(first instanceof ConnectionLostError || first instanceof ConnectError, String(first));
    await assertRejects(call, ConnectError, "nothing listens there");
    const controller = new AbortController();
    const given = assertRejects(() => client.call(1006, {}, { signal: controller.signal }), Error, "enough");
    controller.abort(new Error("enough"));
    await given;
    const waiting = client.call(1001, { uid: 1 });
    server = await ordersServer(at);
    assertEquals(await waiting, { order: "order-1", note: "" });
  } finally {
    await server?.[Symbol.asyncDispose]();
  }
});

Deno.test("closing a client ends what waits for a connection", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const client = ordersOf(`tcp://127.0.0.1:${port}`, { minBackoffMs: 50_000, maxBackoffMs: 50_000 });
  const waiting = assertRejects(() => client.call(1006), ConnectionLostError, "was closed");
  await assertRejects(() => client.call(1006, {}, { timeoutMs: 50 }), ConnectError, "nothing listens there");
  await client.close();
  await waiting;

  const asked = Promise.withResolvers<void>();
  const source = () => (asked.resolve(), new Promise<string>(() => {}));
  const silent = ordersOf(`tcp://127.0.0.1:${port}`, { token: source });
  const login = assertRejects(() => silent.call(1006), ConnectionLostError, "was closed");
  await asked.promise;
  await assertRejects(() => silent.call(1006, {}, { timeoutMs: 20 }), ConnectError, "in the time");
  await silent.close();
  await login;
});

Deno.test("closing a client gives up a connection that is being made, and waits for none", async () => {
  // They take connections and say nothing: no handshake ends, and no login.
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const cases: readonly ClientOptions[] = [
    { servers: `tls://127.0.0.1:${listener.addr.port}` },
    { servers: `tcp://127.0.0.1:${listener.addr.port}`, token: "t" },
  ];
  for (const options of cases) {
    const client = new Client("orders", { ...options, timeoutMs: 600_000 });
    const waiting = assertRejects(() => client.call(1006), ConnectionLostError, "was closed");
    using conn = await listener.accept();
    // Something of the handshake, or of the login, is there: it waits for the answer.
    assert(await conn.read(new Uint8Array(1)) !== null);
    await within("the client is closed", client.close());
    await waiting;
  }
});

Deno.test("of several servers a key finds its own; others take the place of a dead one, until it is tried again", async () => {
  const servers = [await ordersServer(), await ordersServer(), await ordersServer()];
  const done = (server: TestServer) => server.plugin("orders").done;
  try {
    // All on 127.0.0.1: the ports alone tell, the last byte first.
    const swapped = ({ tcp: { port } }: TestServer) => (port & 0xff) * 256 + (port >> 8);
    const sorted = servers.toSorted((a, b) => swapped(a) - swapped(b));
    await using client = ordersOf(servers.map(tcp), { deadMs: 500, minBackoffMs: 1, maxBackoffMs: 5 });
    const keys = Array.from({ length: 30 }, (_, n) => `user:${n * n}${"é".repeat(n % 4)}`);
    for (const key of keys) await client.call(1006, {}, { key });
    const wanted = sorted.map((_, place) => keys.filter((key) => keyChecksum(key) % 3 === place).length);
    assertEquals(sorted.map(done), wanted);
    assert(wanted.every((count) => count > 0));

    // Of the first one's keys, when it is gone, each goes to one of the two others; nothing is lost.
    const [first, ...others] = sorted as [TestServer, TestServer, TestServer];
    const key = keys.find((key) => keyChecksum(key) % 3 === 0)!;
    const { port } = first.tcp;
    const before = others.map(done);
    await first[Symbol.asyncDispose]();
    servers.splice(servers.indexOf(first), 1);
    for (let n = 0; n < 40; n++) {
      await client.call(1006, {}, { key }).catch((error) => {
        // The end of its connection is noticed with the first call at the latest.
        assertInstanceOf(error, ConnectionLostError);
        assertEquals(n, 0);
      });
    }
    const more = others.map((server, n) => done(server) - before[n]!);
    assert(more[0]! + more[1]! >= 39 && more[0]! > 0 && more[1]! > 0, `${more}`);

    const back = await ordersServer({ server: { tcp: `127.0.0.1:${port}` } });
    servers.push(back);
    await until("its key finds it again", async () => {
      await client.call(1006, {}, { key });
      return done(back) > 0;
    });
  } finally {
    await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()));
  }
});

Deno.test("a server that takes connections and says nothing costs a call a part of its time, and another one takes the call", async () => {
  const shop = testToken("shop", ["call:orders"]);
  await using server = await ordersServer({
    server: { auth: "token", udp: "" },
    file: { token: [shop.table] },
  });
  using mute = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const held: Deno.Conn[] = [];
  const accepting = (async () => {
    for await (const conn of mute) held.push(conn);
  })();
  try {
    const swapped = (port: number) => (port & 0xff) * 256 + (port >> 8);
    // Of two servers: 2^32 - 1 - 98 is odd, 2^32 - 1 - 97 even.
    const [first, second] = ["a", "b"] as const;
    const isMuteFirst = swapped(mute.addr.port) < swapped(server.tcp.port);
    const [keyOfMute, keyOfServer] = isMuteFirst ? [first, second] : [second, first];
    await using client = ordersOf([`tcp://127.0.0.1:${mute.addr.port}`, tcp(server)], {
      token: shop.token,
      timeoutMs: 1500,
    });
    await client.call(1006, {}, { key: keyOfServer, timeoutMs: PATIENT });
    assertEquals(held.length, 0);
    await client.call(1006, {}, { key: keyOfMute });
    assertEquals(held.length, 1);
    // It is dead by now.
    await client.call(1006, {}, { key: keyOfMute });
    assertEquals([held.length, server.plugin("orders").done], [1, 3]);
  } finally {
    mute.close();
    await accepting;
    for (const conn of held) conn.close();
  }
});

Deno.test("options that are wrong are refused at once", () => {
  const wrong: readonly (readonly [ClientOptions, string])[] = [
    [{ servers: "mevent:26000" }, "tcp://host:port"],
    [{ servers: [] }, "at least one"],
    [{ connections: 0 }, "connections is 0"],
    [{ connections: 1.5 }, "connections is 1.5"],
    [{ timeoutMs: -1 }, "time-out"],
    [{ connectTimeoutMs: 0 }, "time-out"],
    [{ deadMs: NaN }, "deadMs"],
    [{ maxBackoffMs: -1 }, "maxBackoffMs"],
    [{ encoding: "xml" as "json" }, "encoding"],
    [{ servers: ["tcp://a", "udp://b"], token: "t" }, "UDP has no login"],
    [{ tls: { serverName: "127.0.0.1" } }, "give a host's name"],
    [{ tls: { serverName: "::1" } }, "give a host's name"],
    [{ tls: { serverName: "" } }, "give a host's name"],
    [{ tls: { serverName: "mevent.example", cert: "", key: "" } }, "one of them"],
  ];
  for (const [options, part] of wrong) assertThrows(() => new Client("orders", options), Error, part);
  // As programs pass on what they were not given.
  const names = ["servers", "connections", "timeoutMs", "connectTimeoutMs", "deadMs", "token", "tls"];
  new Client("orders", Object.fromEntries(names.map((name) => [name, undefined])) as ClientOptions);
});

Deno.test("a full queue is a BusyError", async () => {
  await using server = await ordersServer({
    plugins: [{ ...ORDERS, concurrency: 1, queue: { maxOps: 1, maxBytes: 1 << 20 } }],
  });
  await using client = ordersOf(tcp(server));
  const results = await Promise.allSettled(Array.from({ length: 10 }, () => client.call(1004, { ms: 50 })));
  const refused = results.filter((result) => result.status === "rejected");
  assert(refused.length > 0);
  for (const { reason } of refused) assertInstanceOf(reason, BusyError);
});
