import { assert, assertEquals, assertInstanceOf, assertRejects, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { describeAddress, type ServerAddress } from "../../src/client/address.ts";
import { Connection, type ConnectionOptions, RequestIds } from "../../src/client/connection.ts";
import { ConnectError, ConnectionLostError, TimeoutError, UnsendableError } from "../../src/client/errors.ts";
import { encodeBody, Encoding } from "../../src/protocol/body.ts";
import { FrameReader } from "../../src/protocol/frame.ts";
import { replyBytes, writeReply } from "../../src/protocol/reply.ts";
import { MAX_REQUEST_ID } from "../../src/protocol/request.ts";
import { concat, readU16, readU32 } from "../../src/protocol/bytes.ts";

interface Received {
  readonly id: number;
  readonly command: number;
  readonly flags: number;
  readonly plugin: string;
  readonly body: Uint8Array;
  /** Which read of its connection it came in, from 1; always 1 on UDP. */
  readonly read: number;
  /** Sends bytes to the client. */
  send(bytes: Uint8Array): Promise<void>;
  /** Sends a reply. */
  reply(code: number, body?: Uint8Array | null): Promise<void>;
  /** Ends the connection. */
  hangUp(): void;
}

/** A server that hands every request to a function; it stands for mevent where a test needs a strange one. */
class MockServer implements AsyncDisposable {
  readonly #running: Promise<void>;

  private constructor(readonly address: ServerAddress, readonly stop: () => void, run: Promise<void>) {
    this.#running = run;
  }

  static start(transport: "tcp" | "udp" | "unix", handle: (request: Received) => unknown): MockServer {
    if (transport === "udp") {
      const socket = Deno.listenDatagram({ transport, hostname: "127.0.0.1", port: 0 });
      const run = async () => {
        for await (const [bytes, from] of socket) {
          await handle(
            parse(bytes, false, 1, async (reply) => void await socket.send(reply, from), () => {}),
          );
        }
      };
      assert(socket.addr.transport === "udp");
      return new MockServer({ ...socket.addr, transport }, () => socket.close(), run());
    }
    const directory = transport === "unix" ? Deno.makeTempDirSync() : undefined;
    const listener = directory === undefined
      ? Deno.listen({ hostname: "127.0.0.1", port: 0 })
      : Deno.listen({ transport: "unix", path: `${directory}/socket` });
    const conns: Deno.Conn[] = [];
    const run = async () => {
      const serving: Promise<void>[] = [];
      for await (const conn of listener) {
        conns.push(conn);
        serving.push(serve(conn, handle));
      }
      await Promise.all(serving);
      if (directory !== undefined) await Deno.remove(directory, { recursive: true });
    };
    const address: ServerAddress = listener.addr.transport === "unix"
      ? { transport: "unix", path: listener.addr.path }
      : { transport: "tcp", hostname: "127.0.0.1", port: portOf(listener.addr) };
    const stop = () => {
      listener.close();
      for (const conn of conns) hangUp(conn);
    };
    return new MockServer(address, stop, run());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop();
    await this.#running;
  }
}

async function serve(conn: Deno.Conn, handle: (request: Received) => unknown): Promise<void> {
  const frames = new FrameReader(1024 * 1024, 64 * 1024);
  const send = async (bytes: Uint8Array) => {
    while (bytes.length > 0) bytes = bytes.subarray(await conn.write(bytes));
  };
  try {
    for (let read = 1;; read++) {
      const count = await conn.read(frames.space());
      if (count === null) break;
      frames.received(count);
      while (frames.next() === "message") {
        const message = frames.bytes.slice(frames.at, frames.at + frames.length);
        await handle(parse(message, true, read, send, () => hangUp(conn)));
      }
    }
  } catch (error) {
    if (
      !(error instanceof Deno.errors.Interrupted || error instanceof Deno.errors.BadResource ||
        error instanceof Deno.errors.ConnectionReset)
    ) throw error;
  }
  hangUp(conn);
}

function parse(
  bytes: Uint8Array,
  prefixed: boolean,
  read: number,
  send: (bytes: Uint8Array) => Promise<void>,
  hangUp: () => void,
): Received {
  const id = readU32(bytes, 0) & MAX_REQUEST_ID;
  const nameEnd = 12 + readU32(bytes, 8);
  return {
    id,
    command: readU16(bytes, 4),
    flags: readU16(bytes, 6),
    plugin: new TextDecoder().decode(bytes.subarray(12, nameEnd)),
    body: bytes.slice(nameEnd),
    read,
    send,
    reply: (code, body = null) => send(replyOf(id, code, body, prefixed)),
    hangUp,
  };
}

function replyOf(id: number, code: number, body: Uint8Array | null, prefixed = true): Uint8Array {
  const bytes = new Uint8Array(replyBytes(body?.length ?? 0, prefixed));
  writeReply(bytes, 0, prefixed, id, code, body);
  return bytes;
}

function hangUp(conn: Deno.Conn): void {
  try {
    conn.close();
  } catch (error) {
    // Closed already, by the test or by the server.
    assertInstanceOf(error, Deno.errors.BadResource);
  }
}

function portOf(address: Deno.Addr): number {
  assert(address.transport === "tcp");
  return address.port;
}

const EMPTY = encodeBody(Encoding.Json, {});

function call(
  client: Connection,
  command: number,
  options: { timeoutMs?: number; signal?: AbortSignal } = {},
) {
  return client.call({ plugin: "echo", command, sync: true, body: EMPTY, ...options });
}

for (const transport of ["tcp", "unix", "udp"] as const) {
  Deno.test(`A connection round-trips JSON over ${transport}.`, async () => {
    const seen: Received[] = [];
    await using server = MockServer.start(transport, (request) => {
      seen.push(request);
      return request.reply(1000, request.body);
    });
    await using client = await Connection.connect(server.address);
    assertEquals(await client.request("echo", 1001, { uid: 7, ä: [true, null] }), {
      code: 1000,
      value: { uid: 7, ä: [true, null] },
    });
    assertEquals((await client.request(3, 1002, {}, { sync: false })).code, 1000);
    assertEquals(seen.map(({ plugin, command, flags }) => [plugin, command, flags]), [
      ["echo", 1001, 2],
      ["3", 1002, 0],
    ]);
    assertEquals(client.inFlight, 0);
  });
}

Deno.test("A mini reply has no value, and an error code is an answer like any other.", async () => {
  await using server = MockServer.start("tcp", (request) => request.reply(21));
  await using client = await Connection.connect(server.address);
  assertEquals(await client.request("echo", 1001), { code: 21, value: undefined });
});

Deno.test("Replies that come in reverse order reach their own calls.", async () => {
  const requests: Received[] = [];
  await using server = MockServer.start("tcp", async (request) => {
    requests.push(request);
    if (requests.length === 100) { for (const each of requests.reverse()) await each.reply(1000, each.body); }
  });
  await using client = await Connection.connect(server.address);
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, number) => client.request("echo", 1001, { number })),
  );
  assertEquals(answers.map(({ value }) => value), Array.from({ length: 100 }, (_, number) => ({ number })));
});

Deno.test("The calls of one turn leave in one write.", async () => {
  const reads = new Set<number>();
  await using server = MockServer.start("tcp", (request) => {
    reads.add(request.read);
    return request.reply(1000);
  });
  await using client = await Connection.connect(server.address);
  await Promise.all(Array.from({ length: 50 }, () => call(client, 1001)));
  assertEquals([...reads], [1]);
});

Deno.test("Replies arrive whole however the stream is cut.", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ maxLength: 200, unit: "binary" }), { minLength: 1, maxLength: 5 }),
      fc.array(fc.nat(800), { maxLength: 12 }),
      async (texts, cuts) => {
        const requests: Received[] = [];
        await using server = MockServer.start("tcp", async (request) => {
          requests.push(request);
          if (requests.length < texts.length) return;
          const stream = concat(requests.map(({ id, body }) => replyOf(id, 1000, body)));
          const places = [
            0,
            ...cuts.filter((cut) => cut < stream.length).sort((a, b) => a - b),
            stream.length,
          ];
          for (let at = 1; at < places.length; at++) {
            await request.send(stream.subarray(places[at - 1], places[at]));
          }
        });
        await using client = await Connection.connect(server.address);
        const answers = await Promise.all(texts.map((text) => client.request("echo", 1001, { text })));
        assertEquals(answers.map(({ value }) => value), texts.map((text) => ({ text: text.toWellFormed() })));
      },
    ),
    { numRuns: 15 },
  );
});

Deno.test("A call without a reply times out, alone, and its late reply counts as a stray one.", async () => {
  let late: Received | undefined;
  await using server = MockServer.start("tcp", async (request) => {
    if (request.command === 1003) late = request;
    else {
      if (request.command === 1005) await late?.reply(1000);
      await request.reply(1000);
    }
  });
  await using client = await Connection.connect(server.address);
  const patient = call(client, 1004);
  const error = await assertRejects(() => call(client, 1003, { timeoutMs: 20 }), TimeoutError);
  assertStringIncludes(error.message, describeAddress(server.address));
  assertStringIncludes(error.message, "20 ms");
  assertEquals((await patient).code, 1000);
  assertEquals((await call(client, 1005)).code, 1000);
  assertEquals(client.strayReplies, 1);
  assert(client.isOpen);
});

Deno.test("Time-outs of different lengths end in the order of their deadlines.", async () => {
  await using server = MockServer.start("udp", () => {});
  await using client = await Connection.connect(server.address);
  const ended: number[] = [];
  await Promise.all([60, 20, 40].map((timeoutMs) =>
    call(client, 1001, { timeoutMs }).catch((error) => {
      assertInstanceOf(error, TimeoutError);
      ended.push(timeoutMs);
    })
  ));
  assertEquals(ended, [20, 40, 60]);
});

Deno.test("A connection that breaks rejects every call in flight and every later one.", async () => {
  await using server = MockServer.start("tcp", (request) => {
    if (request.command === 1002) request.hangUp();
  });
  await using client = await Connection.connect(server.address);
  const results = await Promise.allSettled([call(client, 1001), call(client, 1001), call(client, 1002)]);
  for (const result of results) {
    assert(result.status === "rejected");
    assertInstanceOf(result.reason, ConnectionLostError);
  }
  assertEquals(client.isOpen, false);
  await assertRejects(() => call(client, 1001), ConnectionLostError, describeAddress(server.address));
});

Deno.test("A reply with an illegal length breaks the connection; one that does not parse is a stray one.", async () => {
  await using server = MockServer.start("tcp", async (request) => {
    const broken = replyOf(request.id, 1000, EMPTY);
    broken[15] = 200;
    await request.send(broken);
    if (request.command === 1001) await request.reply(1000);
    else await request.send(new Uint8Array([0xff, 0xff, 0xff, 0xff]));
  });
  await using client = await Connection.connect(server.address);
  assertEquals((await call(client, 1001)).code, 1000);
  assertEquals(client.strayReplies, 1);
  await assertRejects(() => call(client, 1002), ConnectionLostError, "no legal length");
});

Deno.test("A call is given up when its signal aborts, and the connection stays.", async () => {
  const arrived = Promise.withResolvers<void>();
  await using server = MockServer.start("tcp", (request) => {
    if (request.command === 1003) arrived.resolve();
    else return request.reply(1000);
    return undefined;
  });
  await using client = await Connection.connect(server.address);
  const controller = new AbortController();
  const given = call(client, 1003, { signal: controller.signal });
  await arrived.promise;
  controller.abort(new Error("enough"));
  await assertRejects(() => given, Error, "enough");
  await assertRejects(() => call(client, 1001, { signal: controller.signal }), Error, "enough");
  assertEquals((await call(client, 1001, { signal: new AbortController().signal })).code, 1000);
  assertEquals(client.inFlight, 0);
});

Deno.test("Closing rejects what waits and leaves nothing behind; closing again is allowed.", async () => {
  for (const transport of ["tcp", "udp"] as const) {
    await using server = MockServer.start(transport, () => {});
    const client = await Connection.connect(server.address);
    const waiting = assertRejects(() => call(client, 1001), ConnectionLostError, "was closed");
    await client.close();
    await client.close();
    await waiting;
    await assertRejects(() => call(client, 1001), ConnectionLostError, "was closed");
  }
});

Deno.test("An address where nobody listens is a ConnectError that names it.", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const port = portOf(listener.addr);
  listener.close();
  const cases: [ServerAddress, ConnectionOptions, string][] = [
    [{ transport: "tcp", hostname: "127.0.0.1", port }, { timeoutMs: 5000 }, `tcp 127.0.0.1:${port}`],
    [{ transport: "unix", path: "/nonexistent/mevent.sock" }, {}, "unix /nonexistent/mevent.sock"],
  ];
  for (const [address, options, named] of cases) {
    await assertRejects(() => Connection.connect(address, options), ConnectError, named);
  }
});

Deno.test("A UDP connection listens to its server alone.", async () => {
  const stranger = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  let clientPort = 0;
  await using server = MockServer.start("udp", (request) => request.reply(1000));
  // Stands between, to learn the client's port.
  const relay = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  assert(relay.addr.transport === "udp" && server.address.transport === "udp");
  const relayed = (async () => {
    assert(server.address.transport === "udp");
    const [request, client] = await relay.receive();
    assert(client.transport === "udp");
    clientPort = client.port;
    await stranger.send(replyOf(readU32(request, 0) & MAX_REQUEST_ID, 999, null, false), client);
    await relay.send(request, server.address);
    const [reply] = await relay.receive();
    await relay.send(reply, client);
  })();
  await using client = await Connection.connect({
    transport: "udp",
    hostname: "127.0.0.1",
    port: relay.addr.port,
  });
  assertEquals((await call(client, 1001)).code, 1000);
  await relayed;
  assert(clientPort > 0);
  assertEquals(client.strayReplies, 0);
  stranger.close();
  relay.close();
});

Deno.test("What cannot be sent is refused before it leaves.", async () => {
  await using server = MockServer.start("tcp", (request) => request.reply(1000));
  await using client = await Connection.connect(server.address, { maxFrame: 1024 });
  await assertRejects(() => client.request("echo", 0), UnsendableError, "1 to 65535");
  await assertRejects(
    () => client.request("echo", 1001, { text: "x".repeat(1024) }),
    UnsendableError,
    "maxFrame",
  );
  await assertRejects(() => call(client, 1001, { timeoutMs: 0 }), RangeError, "time-out");
  await using udp = await Connection.connect({ transport: "udp", hostname: "127.0.0.1", port: 9 });
  await assertRejects(() => udp.request("echo", 1001, "x".repeat(65_507)), UnsendableError, "TCP");
  assertEquals((await call(client, 1001)).code, 1000);
});

Deno.test("Request ids start again at 1 after the last and skip those in use.", () => {
  const ids = new RequestIds(MAX_REQUEST_ID - 1);
  const inUse = new Set([1, 2, 4]);
  assertEquals([1, 2, 3].map(() => ids.next(inUse)), [MAX_REQUEST_ID, 3, 5]);
});
