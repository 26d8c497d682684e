import { assert, assertEquals, assertGreaterOrEqual, assertLess } from "@std/assert";
import { HAS_PYTHON, PYTHON_NOTE } from "../support/python.ts";
import { messageOf, streamRequest, valueOf } from "../support/requests.ts";
import { TestServer } from "../support/test_server.ts";
import { within } from "../support/until.ts";

/** 1001 never ends, whatever its signal says; 1002 blocks its thread; 1003 ends its worker without a word; 1004 answers. */
const STUBBORN = `
export default {
  name: "stubborn",
  concurrency: 4,
  commands: {
    1001: { name: "never", run: () => new Promise(() => {}) },
    1002: { name: "busy", run: (context) => { Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, context.params.int("ms")); } },
    1003: { name: "leave", run: () => { self.close(); return new Promise(() => {}); } },
    1004: { name: "echo", run: (context) => context.params },
  },
};`;

Deno.test("a second stop ends the server at once although a plugin ignores its signal", async () => {
  await using server = await TestServer.start({
    server: { drain_timeout: "20s" },
    plugins: [{ name: "stubborn", source: STUBBORN }],
  });
  using connection = await server.connect();
  await connection.send(streamRequest({ id: 1, plugin: "stubborn", command: 1001 }));
  await server.until("it runs", () => server.plugin("stubborn").in_flight === 1);
  const before = performance.now();
  const stopped = server.server.stop();
  server.server.stop();
  assertEquals((await within("the stop", stopped)).abandoned, 1);
  assertLess(performance.now() - before, 1000);
});

Deno.test("a stop answers what is abandoned, and reports it", async () => {
  await using server = await TestServer.start({
    server: { drain_timeout: "50ms" },
    plugins: [{ name: "stubborn", source: STUBBORN, concurrency: 1 }],
  });
  using connection = await server.connect();
  await connection.send(
    streamRequest({ id: 1, plugin: "stubborn", command: 1001 }),
    streamRequest({ id: 2, plugin: "stubborn", command: 1004 }),
  );
  await server.until("one runs and one waits", () => server.plugin("stubborn").accepted === 2);
  const stopped = server.server.stop();
  await server.until("it has given up draining", () => server.plugin("stubborn").workers_running === 0);
  server.server.stop();
  const replies = await connection.replies(2);
  assertEquals(replies.map(({ id, code }) => [id, code]), [[1, 14], [2, 14]]);
  assertEquals(await stopped, { pending: 2, abandoned: 2, kept: 0, unstopped: ["stubborn"] });
});

Deno.test("what ends well while the plugins are stopped is not abandoned, what fails is, also in a removed plugin", async () => {
  const source = `export default { name: "late", concurrency: 8, commands: {
    1001: { name: "ends", run: (c) => new Promise((done) => c.signal.addEventListener("abort", () => done({ ok: 1 }))) },
    1002: { name: "fails", run: (c) => new Promise((_, fail) => c.signal.addEventListener("abort", () => fail(c.signal.reason))) },
  } };`;
  const settings = { drain_timeout: "300ms" };
  for (const isRemoved of [false, true]) {
    await using server = await TestServer.start({ server: settings, plugins: [{ name: "late", source }] });
    using connection = await server.connect();
    await connection.send(
      ...[1001, 1001, 1002].map((command, id) => streamRequest({ id, plugin: "late", command })),
    );
    await server.until("all run", () => server.plugin("late").in_flight === 3);
    if (isRemoved) await server.reload({ server: settings, plugins: [{ name: "echo" }] });
    assertEquals(await server.server.stop(), { pending: 3, abandoned: 1, kept: 0, unstopped: [] });
  }
});

Deno.test("a worker that keeps its thread busy far beyond its time is replaced: its caller gets 14, others go on", async () => {
  await using server = await TestServer.start({
    plugins: [{ name: "stubborn", source: STUBBORN, timeout: 100 }],
  });
  using connection = await server.connect();
  await connection.send(
    streamRequest({ id: 1, plugin: "stubborn", command: 1002, params: { ms: 4000 } }),
    streamRequest({ id: 2, plugin: "stubborn", command: 1004, params: { after: true } }),
  );
  const replies = new Map((await connection.replies(2)).map((reply) => [reply.id, reply]));
  assertEquals(replies.get(1)!.code, 14);
  assert(messageOf(replies.get(1)!).includes("hangs"), messageOf(replies.get(1)!));
  assertEquals(valueOf(replies.get(2)!), { after: true });
  assertEquals(server.plugin("stubborn").restarts, 1);
});

Deno.test("a worker that ends itself is replaced: its callers get 14, and the next request is answered", async () => {
  await using server = await TestServer.start({
    plugins: [{ name: "stubborn", source: STUBBORN, timeout: 100 }],
  });
  using connection = await server.connect();
  await connection.send(streamRequest({ id: 1, plugin: "stubborn", command: 1003 }));
  assertEquals((await connection.reply()).code, 14);
  await connection.send(streamRequest({ id: 2, plugin: "stubborn", command: 1004, params: { after: true } }));
  assertEquals(valueOf(await connection.reply()), { after: true });
});

Deno.test("an async request in error is told at once, although a sync one before it still runs", async () => {
  await using server = await TestServer.start();
  using connection = await server.connect();
  await connection.send(
    streamRequest({ id: 1, command: 1003, params: { ms: 400 } }),
    streamRequest({ id: 2, plugin: "nobody", sync: false }),
    streamRequest({ id: 3, plugin: "nobody" }),
  );
  assertEquals((await connection.replies(3)).map(({ id, code }) => [id, code]), [[2, 18], [1, 1000], [
    3,
    18,
  ]]);
});

/** A client with a small receive buffer that reads only after a while, and sends one more request meanwhile. */
const SLOW_READER = `
import socket, struct, sys, time
request = bytes.fromhex(sys.argv[2])
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
s.connect(("127.0.0.1", int(sys.argv[1])))
s.sendall(request * 100)
print("sent", flush=True)
sys.stdin.readline()
try: s.sendall(request)
except OSError: pass
got = 0
try:
    while True:
        chunk = s.recv(65536)
        if not chunk: break
        got += len(chunk)
        time.sleep(0.002)
except OSError as error: print(error, file=sys.stderr)
print(got, flush=True)
`;

Deno.test({
  name: `a stop loses no reply that was done, however slowly it is read${PYTHON_NOTE}`,
  ignore: !HAS_PYTHON,
  async fn() {
    await using server = await TestServer.start();
    const request = streamRequest({ id: 1, params: { text: "x".repeat(3000) } });
    const hex = request.toHex();
    const child = new Deno.Command("python3", {
      args: ["-c", SLOW_READER, String(server.tcp.port), hex],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    let said = "";
    const until = async (pattern: RegExp) => {
      // What a pipe brings at a time need be no line.
      for (let read = await lines.read(); !read.done; read = await lines.read()) {
        said += read.value;
        if (pattern.test(said)) return;
      }
      throw new Error(`the client has ended: ${said}`);
    };
    await until(/sent\n/);
    await server.until("all is answered", () => server.plugin("echo").done === 100);
    const stopped = server.server.stop();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode("\n"));
    await writer.close();
    await until(/sent\n\d+\n/);
    const got = Number(said.slice("sent\n".length));
    await lines.cancel();
    await child.status;
    await stopped;
    // The one request more may have been told that the server stops.
    assertGreaterOrEqual(got, 100 * (request.length - 4));
    assertLess(got, 101 * (request.length - 4));
  },
});
