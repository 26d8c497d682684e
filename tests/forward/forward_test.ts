import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { loadConfig } from "../../src/config/load.ts";
import { readU32, writeU32 } from "../../src/protocol/bytes.ts";
import { Encoding } from "../../src/protocol/body.ts";
import { FrameReader } from "../../src/protocol/frame.ts";
import { writeReply } from "../../src/protocol/reply.ts";
import {
  datagramRequest,
  messageOf,
  type RequestOptions,
  streamRequest,
  valueOf,
} from "../support/requests.ts";
import { TestServer, type TestServerOptions } from "../support/test_server.ts";

/** A server that hands what is for "bank" and "7" to that port. */
function front(port: number, options: TestServerOptions = {}): Promise<TestServer> {
  const server = { forward: [`bank,7=127.0.0.1:${port}`], ...options.server };
  return TestServer.start({ ...options, server });
}

const BANK = {
  name: "bank",
  biz: 7,
  source: `export default { name: "bank", commands: {
    1001: { name: "echo", run: (context) => context.params.all() },
    1002: { name: "refuse", run: (context) => context.fail(40, "no such account") },
  } };`,
};

Deno.test("what is forwarded is answered as the other server answers it, in every encoding and over every transport", async () => {
  await using back = await TestServer.start({ plugins: [BANK] });
  await using server = await front(back.tcp.port);
  using direct = await back.connect();
  using tcp = await server.connect();
  using unix = await server.connectUnix();
  using udp = server.datagrams();
  const requests: RequestOptions[] = [
    { plugin: "bank", id: 5, params: { amount: 7, text: "你好" } },
    { plugin: "7", id: 0x0fffffff, encoding: Encoding.Hdf, params: { a: { b: [1, "x"] } } },
    { plugin: "bank", id: 9, encoding: Encoding.Cells, params: { n: 4_294_967_296 } },
    { plugin: "bank", id: 10, command: 1002 },
    { plugin: "bank", id: 11, command: 4000 },
    { plugin: "bank", id: 12, command: 100, params: { cachekey: "k" } },
    { plugin: "bank", id: 13, sync: false, encoding: Encoding.Hdf },
  ];
  for (const request of requests) {
    await direct.send(streamRequest(request));
    const wanted = await direct.frame();
    for (const way of [tcp, unix]) {
      await way.send(streamRequest(request));
      assertEquals(await way.frame(), wanted, JSON.stringify(request));
    }
    await udp.send(datagramRequest(request));
    assertEquals(await udp.datagram(), wanted!.subarray(4), JSON.stringify(request));
  }
  await tcp.send(streamRequest({ id: 1, plugin: "echo", params: { own: 1 } }));
  assertEquals(valueOf(await tcp.reply()), { own: 1 });
  const [figures] = server.stats().forwards;
  assertEquals([figures!.names, figures!.connected, figures!.in_flight, figures!.failed], [
    ["bank", "7"],
    true,
    0,
    0,
  ]);
  assertEquals(figures!.forwarded, 3 * requests.length);
});

Deno.test("what another server has queued is not known here: over HTTP it has no Location, other operations have one", async () => {
  await using back = await TestServer.start({ plugins: [BANK] });
  await using server = await front(back.tcp.port, { server: { http: "127.0.0.1:0" } });
  const headers = { "content-type": "application/json" };
  for (const [plugin, isOurs] of [["bank", false], ["7", false], ["echo", true]] as const) {
    const response = await fetch(`${server.httpUrl}/v1/${plugin}/1001?async`, {
      method: "POST",
      headers,
      body: "{}",
    });
    const { id } = await response.json();
    const location = response.headers.get("location");
    assertEquals([response.status, location], [202, isOurs ? `/v1/operations/${id}` : null], plugin);
  }
  await back.until("both have come there", () => back.plugin("bank").accepted === 2);
});

Deno.test("many callers with the same ids get each their own reply", async () => {
  await using back = await TestServer.start({ plugins: [BANK] });
  await using server = await front(back.tcp.port);
  const callers = await Promise.all(Array.from({ length: 8 }, () => server.connect()));
  await Promise.all(callers.map(async (caller, at) => {
    const ids = Array.from({ length: 50 }, (_, id) => id + 1);
    await caller.send(...ids.map((id) => streamRequest({ id, plugin: "bank", params: { at, id } })));
    const replies = await caller.replies(ids.length);
    assertEquals(
      replies.map((reply) => [reply.id, valueOf(reply)]).sort(),
      ids.map((id) => [id, { at, id }]).sort(),
    );
  }));
  for (const caller of callers) caller.close();
});

Deno.test("a server that cannot be reached is answered 14 for, and is tried again", async () => {
  const probe = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = probe.addr;
  probe.close();
  await using server = await front(port);
  using caller = await server.connect();
  await caller.send(
    streamRequest({ plugin: "bank" }),
    streamRequest({ plugin: "echo", id: 2, params: { x: 1 } }),
  );
  const replies = await caller.replies(2);
  const failed = replies.find(({ id }) => id === 1)!;
  assertEquals(failed.code, 14);
  assertStringIncludes(messageOf(failed), `the server at tcp 127.0.0.1:${port} cannot be reached`);
  assertEquals(replies.find(({ id }) => id === 2)!.code, 1000);
  await using back = await TestServer.start({ plugins: [BANK], server: { tcp: `127.0.0.1:${port}` } });
  for (let tries = 0;; tries++) {
    assert(tries < 500, "the server is there, and is not tried again");
    await caller.send(streamRequest({ plugin: "bank", params: { again: tries } }));
    const reply = await caller.reply();
    if (reply.code === 1000) break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assertEquals(back.stats().plugins[0]!.done, 1);
});

/** A server that keeps what it is asked, and answers what it is told to. */
class Daemon implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #serving: Promise<void>;
  #conn: Deno.Conn | null = null;
  readonly ids: number[] = [];
  #asked = Promise.withResolvers<void>();

  constructor() {
    this.#serving = this.#serve();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  /** Resolves when it has been asked so many times. */
  async asked(count: number): Promise<void> {
    while (this.ids.length < count) await this.#asked.promise;
  }

  async answer(id: number, code = 1000): Promise<void> {
    const bytes = new Uint8Array(12);
    writeReply(bytes, 0, true, id, code, null);
    await this.#conn!.write(bytes);
  }

  hangUp(): void {
    this.#conn?.close();
    this.#conn = null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.hangUp();
    await this.#serving;
  }

  async #serve(): Promise<void> {
    for await (const conn of this.#listener) {
      this.#conn = conn;
      const frames = new FrameReader(1_000_000);
      try {
        for (;;) {
          const count = await conn.read(frames.space());
          if (count === null) break;
          frames.received(count);
          while (frames.next() === "message") this.ids.push(readU32(frames.bytes, frames.at) & 0x0fffffff);
          this.#asked.resolve();
          this.#asked = Promise.withResolvers();
        }
      } catch {
        // It was closed.
      }
    }
  }
}

Deno.test("who has waited for forward_timeout is answered 14, and a reply that comes later reaches nobody", async () => {
  await using daemon = new Daemon();
  await using server = await front(daemon.port, { server: { forward_timeout: "50ms" } });
  using caller = await server.connect();
  await caller.send(streamRequest({ id: 3, plugin: "bank" }));
  const late = await caller.reply();
  assertEquals([late.id, late.code], [3, 14]);
  assertStringIncludes(messageOf(late), "has not answered in time");
  await caller.send(streamRequest({ id: 4, plugin: "bank" }));
  await daemon.asked(2);
  await daemon.answer(daemon.ids[0]!);
  await daemon.answer(daemon.ids[1]!, 1001);
  const reply = await caller.reply();
  assertEquals([reply.id, reply.code], [4, 1001]);
});

Deno.test("a connection that is lost ends what waits with 14, and the next request makes another", async () => {
  await using daemon = new Daemon();
  await using server = await front(daemon.port);
  using caller = await server.connect();
  await caller.send(
    streamRequest({ id: 1, plugin: "bank" }),
    streamRequest({ id: 2, plugin: "bank", sync: false }),
  );
  await daemon.asked(2);
  daemon.hangUp();
  const replies = await caller.replies(2);
  assertEquals(replies.map(({ id, code }) => [id, code]), [[1, 14], [2, 14]]);
  assertStringIncludes(messageOf(replies[0]!), "was lost: the server closed the connection");
});

Deno.test("callers that have gone, and a reload, leave nothing behind", async () => {
  await using daemon = new Daemon();
  await using server = await front(daemon.port);
  const gone = await server.connect();
  using stays = await server.connect();
  await gone.send(streamRequest({ plugin: "bank" }));
  await stays.send(streamRequest({ id: 8, plugin: "bank" }));
  await daemon.asked(2);
  gone.close();
  await server.reload({ server: { forward: "" } });
  await stays.send(streamRequest({ id: 9, plugin: "bank" }));
  for (const id of daemon.ids) await daemon.answer(id);
  assertEquals((await stays.replies(2)).map(({ id, code }) => [id, code]), [[8, 1000], [9, 18]]);
  assertEquals(server.stats().forwards, []);
});

Deno.test("a stop answers who waits for the other server", async () => {
  await using daemon = new Daemon();
  const server = await front(daemon.port);
  using caller = await server.connect();
  await caller.send(streamRequest({ id: 1, plugin: "bank" }));
  await daemon.asked(1);
  await server[Symbol.asyncDispose]();
  const reply = await caller.reply();
  assertEquals([reply.id, reply.code], [1, 14]);
});

Deno.test("what the other server does not get done is refused at once: 21", async () => {
  await using daemon = new Daemon();
  await using server = await front(daemon.port, { server: { max_in_flight: 20_000 } });
  using caller = await server.connect();
  const message = streamRequest({ plugin: "bank" });
  const flood = new Uint8Array(message.length * 10_001);
  for (let at = 0; at < 10_001; at++) {
    flood.set(message, at * message.length);
    writeU32(flood, at * message.length + 4, (1 << 28) | (at + 1));
  }
  await caller.send(flood);
  const reply = await caller.reply();
  assertEquals([reply.id, reply.code], [10_001, 21]);
  assertStringIncludes(messageOf(reply), "has more to do than it gets done");
  assertEquals(server.stats().limits["forward"], 1);
});

Deno.test("a config says where a forwarding is none, or not what it seems", () => {
  const load = (text: string) => loadConfig({ file: "f.toml", text, env: {}, flags: {} });
  const { server, warnings } = load(
    '[server]\nforward = ["a, 7 =127.0.0.1:1", "echo,a=[::1]:2"]\ncharset = "gbk"\n',
  );
  assertEquals(server.forward, [
    { names: ["a", "7"], hostname: "127.0.0.1", port: 1 },
    { names: ["echo", "a"], hostname: "::1", port: 2 },
  ]);
  for (
    const warning of [
      "plugin echo runs here, so echo is not forwarded to [::1]:2",
      "a is forwarded to 127.0.0.1:1, and not to [::1]:2",
      "is forwarded in UTF-8",
    ]
  ) assert(warnings.some((each) => each.includes(warning)), warnings.join("\n"));
  let round = "";
  try {
    load('[server]\ntcp = "0.0.0.0:31"\nallow = ["10.0.0.0/8"]\nudp = ""\nforward = "a=127.0.0.1:31"\n');
  } catch (error) {
    round = String(error);
  }
  assertStringIncludes(round, "f.toml:5");
  assertStringIncludes(round, "127.0.0.1:31 is this server itself");
  for (
    const wrong of [
      "a",
      "=127.0.0.1:1",
      "a=127.0.0.1",
      "a=127.0.0.1:0",
      "Reserve.Stats=127.0.0.1:1",
      "a,,b=127.0.0.1:1",
    ]
  ) {
    let message = "";
    try {
      load(`[server]\nforward = ${JSON.stringify(wrong)}\n`);
    } catch (error) {
      message = String(error);
    }
    assertStringIncludes(message, "f.toml", wrong);
    assertStringIncludes(message, "server.forward", wrong);
  }
});
