import { OPEN_ACCESS } from "../../src/auth/access.ts";
import { assert, assertEquals, assertLess } from "@std/assert";
import type { StreamConnection } from "../../src/net/stream_connection.ts";
import { type NetContext, StreamHandler } from "../../src/net/stream_handler.ts";
import { Encoding } from "../../src/protocol/body.ts";
import { ReportThrottle } from "../../src/router/report_throttle.ts";
import { concat } from "../support/bytes.ts";
import { streamRequest, valueOf } from "../support/requests.ts";
import { TestServer } from "../support/test_server.ts";

for (const portableSockets of [false, true]) {
  const sockets = portableSockets ? "Deno's own sockets" : "epoll";

  Deno.test(`who asks for stats without end, thousands in a write, holds nobody else up (${sockets})`, async () => {
    await using server = await TestServer.start({ portableSockets, server: { max_in_flight: 1_000_000 } });
    const [callers, each] = [4, 5000];
    using bystander = await server.connect();
    let told = 0;
    let toldBefore = Infinity;
    const floods = Array.from({ length: callers }, async (_, caller) => {
      using connection = await server.connect();
      const plugin = caller % 2 === 0 ? "Reserve.Stats" : "echo";
      const sending = connection.send(
        concat(Array.from({ length: each }, () => streamRequest({ plugin, command: 1000 }))),
      );
      for (let i = 0; i < each; i++) {
        const { code } = await connection.reply();
        if (code !== 1000) assertEquals(code, 1000);
        told++;
      }
      await sending;
    });
    await server.until("the flood is there", () => server.stats().messages.tcp > 100);
    await bystander.send(streamRequest({ id: 7, params: { a: 1 } }));
    assertEquals(valueOf(await bystander.reply()), { a: 1 });
    toldBefore = told;
    await Promise.all(floods);
    assertEquals(told, callers * each);
    assertLess(toldBefore, told / 2);
  });
}

for (const portableSockets of [false, true]) {
  const sockets = portableSockets ? "Deno's own sockets" : "epoll";

  Deno.test(`what is done is told while the same caller waits for more and others keep the server busy (${sockets})`, async () => {
    await using server = await TestServer.start({ portableSockets });
    using busy = await server.connect();
    using caller = await server.connect();
    let isOver = false;
    const flood = (async () => {
      const requests = concat(Array.from({ length: 64 }, (_, id) => streamRequest({ id, command: 1002 })));
      while (!isOver) {
        await busy.send(requests);
        await busy.replies(64);
      }
    })();
    try {
      for (let round = 0; round < 20; round++) {
        const slow = streamRequest({ id: 100 + round, command: 1003, params: { ms: 60_000 } });
        const quick = Array.from({ length: 16 }, (_, id) => streamRequest({ id, params: { id } }));
        await caller.send(concat([slow, ...quick]));
        const ids = (await caller.replies(16)).map(({ id }) => id);
        assertEquals(ids.toSorted((a, b) => a - b), quick.map((_, id) => id));
      }
      assert(server.plugin("echo").in_flight >= 20, "the slow ones still run");
    } finally {
      isOver = true;
      await flood;
    }
  });

  Deno.test(`who ends after its requests gets all replies, the quick and the late ones (${sockets})`, async () => {
    await using server = await TestServer.start({ portableSockets });
    using caller = await server.connect();
    const late = streamRequest({ id: 99, command: 1003, params: { ms: 30 } });
    await caller.send(
      concat([late, ...Array.from({ length: 16 }, (_, id) => streamRequest({ id, command: 1002 }))]),
    );
    await caller.closeWrite();
    const ids = (await caller.replies(17)).map(({ id }) => id);
    assertEquals([ids.length, new Set(ids).size, ids.at(-1)], [17, 17, 99]);
    assertEquals(await caller.frame(), null);
  });
}

Deno.test("stats that are asked for now and then are made anew, those that are asked for without end are of the last tenth of a second", () => {
  let now = 0;
  let made = 0;
  const told = new ReportThrottle(() => now);
  const make = () => {
    made++;
    now += 1;
    return new Uint8Array([made]);
  };
  const subject = {};
  const ask = () => told.about(subject, Encoding.Json, make)[0]!;
  for (let i = 1; i <= 20; i++) {
    assertEquals(ask(), i);
    now += 10;
  }
  // Without end: what has been saved is used up, then ten a second.
  made = 0;
  const begun = now;
  while (now < begun + 2000) {
    ask();
    now += 0.01;
  }
  assert(made >= 20 && made <= 20 + 50 + 200, `${made} were made`);
  let oldest = 0;
  const last = ask();
  const since = now;
  while (ask() === last) {
    oldest = now - since;
    now += 1;
  }
  assertLess(oldest, 101);
  // Others are not held to it.
  assertEquals(told.about({}, Encoding.Json, () => new Uint8Array([9]))[0], 9);
});

Deno.test("a check that comes late, as after the process was stopped, judges nobody, and the time that it slept counts for nobody", () => {
  let now = 0;
  const checked: number[] = [];
  const closed: string[] = [];
  const connection = (slowSince: number) => ({
    address: "",
    slowSince,
    check: (time: number) => checked.push(time),
    close: () => closed.push("slow"),
  });
  const context = {
    now: () => now,
    limits: { slowReaderTimeout: 5000 },
    counters: { slowReadersClosed: 0, openByKind: { tcp: 0 } },
    limitLog: { reached: () => {} },
    admission: { opened: () => {}, closed: () => {} },
  };
  const options = {
    asyncReply: true,
    legacy: false,
    charset: null,
    cors: [],
    httpHosts: [],
    admin: "off" as const,
    tls: null,
    access: OPEN_ACCESS,
  };
  const handler = new StreamHandler("tcp", "tcp", options, context as unknown as NetContext);
  const add = (each: ReturnType<typeof connection>) => handler.opened(each as unknown as StreamConnection);
  add(connection(0));
  const tick = (ms: number) => {
    now += ms;
    handler.check();
  };
  tick(1000);
  tick(1000);
  assertEquals(checked, [1001, 2001]);
  const slow = connection(handler.time);
  add(slow);
  tick(3_600_000);
  assertEquals([checked, closed], [[1001, 2001], []]);
  tick(1000);
  assertEquals(checked.slice(2), [3001, 3001]);
  for (let i = 0; i < 4; i++) tick(1000);
  assertEquals(closed, ["slow"]);
});
