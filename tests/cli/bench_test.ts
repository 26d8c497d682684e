import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { countUpTo, latencyChart } from "../../src/cli/bench/chart.ts";
import { LoadWindow } from "../../src/loadgen/window.ts";
import { Histogram } from "../../src/observe/histogram.ts";
import { readU32 } from "../../src/protocol/bytes.ts";
import { FrameReader } from "../../src/protocol/frame.ts";
import { writeReply } from "../../src/protocol/reply.ts";
import { MAX_REQUEST_ID } from "../../src/protocol/request.ts";
import { mevent, MeventProcess } from "../support/mevent.ts";
import { TestServer } from "../support/test_server.ts";

/** A plugin that ends nothing that it began before it is told to. */
const DEAD = {
  name: "dead",
  source: `export default { name: "dead", concurrency: 1, commands: { 1001: { name: "wait",
    run: ({ signal }) => new Promise((_, give) => signal.addEventListener("abort", () => give(signal.reason))),
  } } };`,
};

function deadServer(maxOps: number): Promise<TestServer> {
  return TestServer.start({
    server: { drain_timeout: "0" },
    plugins: [{ ...DEAD, queue: { maxOps, maxBytes: 2 ** 20 } }],
  });
}

const SMALL = ["bench", "--conns", "5", "--depth", "8", "--count", "2000"];

Deno.test("bench of a server that answers", async (t) => {
  await using server = await TestServer.start();
  await t.step(
    "what bench counts is what the server counts, over TCP and a Unix socket, sync and async",
    async () => {
      const ways = [["--port", String(server.tcp.port)], ["--unix", server.unix]];
      let done = 0;
      for (const way of ways) {
        for (const mode of ["sync", "async"]) {
          const { code, stdout, stderr } = await mevent([...SMALL, ...way, "--mode", mode, "--json"]);
          assertEquals([code, stderr], [0, ""]);
          const result = JSON.parse(stdout);
          assertEquals([result.sent, result.operations, result.ok, result.mode], [2000, 2000, 2000, mode]);
          assertEquals([result.busy, result.lost, result.unanswered, result.stray_replies], [0, 0, 0, 0]);
          assertEquals(result.codes, { "1000": 2000 });
          done += 2000;
          await server.until(`the server has done ${done}`, () => server.plugin("echo").done === done);
          assertEquals(server.plugin("echo").accepted, done);
        }
      }
      // Each has asked first whether there is such a plugin.
      assertEquals(server.stats().messages, { tcp: 4002, udp: 0, unix: 4002, http: 0 });
      assertEquals(server.stats().errors.broken, 0);
    },
  );
  await t.step("bench --json prints one object with everything that the table shows", async () => {
    const { stdout } = await mevent([
      ...SMALL,
      "--unix",
      server.unix,
      "--json",
      "--cmd",
      "1001",
      "--size",
      "16",
    ]);
    const { seconds, rate, ok_rate, latency_us, replies_per_connection, ...rest } = JSON.parse(stdout);
    assertEquals(rest, {
      plugin: "echo",
      command: 1001,
      mode: "sync",
      connections: 5,
      depth: 8,
      body_bytes: 37,
      sent: 2000,
      operations: 2000,
      ok: 2000,
      busy: 0,
      codes: { "1000": 2000 },
      lost: 0,
      unanswered: 0,
      stray_replies: 0,
      interrupted: false,
    });
    const { least, mean, most } = replies_per_connection;
    assert(0 < least && least <= mean && mean === 400 && mean <= most);
    assert(seconds > 0);
    assert(Math.abs(rate - 2000 / seconds) <= 1 && rate === ok_rate);
    const { p50, p90, p99, p99_9, max } = latency_us;
    assert(0 < p50 && p50 <= p90 && p90 <= p99 && p99 <= p99_9 && p99_9 <= max);
  });
  await t.step("bench draws the times as bars beneath the table", async () => {
    const { code, stdout } = await mevent([...SMALL, "--unix", server.unix, "--encoding", "json"]);
    assertEquals(code, 0);
    assertMatch(stdout, /^operations +2,000 in \d+\.\d\d s$/m);
    assertMatch(stdout, /^ok +2,000\n {2}1000 +2,000 REP_OK\nbusy +0\nlost +0$/m);
    assertMatch(stdout, /^latency +p50 .*, p90 .*, p99 .*, p99.9 .*, max .*$/m);
    assertMatch(stdout, /^ *<= \S+ (µs|ms) +[\d,]+ +[\d.]+% {2}#{40}$/m);
  });
  await t.step("bench sends the params that the arguments spell", async () => {
    const args = [...SMALL, "--unix", server.unix, "--cmd", "1003"];
    assertEquals((await mevent([...args, "ms:=0"])).code, 0);
    const refused = await mevent([...args, "--json", "ms:=-1"]);
    assertEquals([refused.code, JSON.parse(refused.stdout).codes], [1, { "25": 2000 }]);
    const unknown = await mevent([...SMALL, "--unix", server.unix, "--plugin", "nobody"]);
    assertEquals(unknown.code, 65);
  });
  await t.step("bench works without epoll as well", async () => {
    const before = server.plugin("echo").done;
    // Without the permission to call into libc there are Deno's own sockets alone.
    const { success, stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-check", "--allow-read", "--allow-write", "--allow-env", "--allow-net", "main.ts"]
        .concat(SMALL, "--unix", server.unix, "--size", "30000", "--json"),
      stderr: "inherit",
    }).output();
    assert(success);
    const { sent, ok, stray_replies } = JSON.parse(new TextDecoder().decode(stdout));
    assertEquals([sent, ok, stray_replies], [2000, 2000, 0]);
    assertEquals(server.plugin("echo").done - before, 2000);
  });
});

Deno.test("bench counts BUSY by itself, exactly, and exits with 75", async () => {
  await using server = await deadServer(40);
  const args = ["bench", "--unix", server.unix, "--plugin", "dead", "--cmd", "1001", "--mode", "async"];
  const { code, stdout } = await mevent([...args, "--count", "1000", "--conns", "3", "--json"]);
  const { ok, busy, codes, rate, ok_rate } = JSON.parse(stdout);
  assertEquals([code, ok, busy, codes], [75, 40, 960, { "21": 960, "1000": 40 }]);
  assert(ok_rate < rate);
  assertEquals(server.plugin("dead").busy, 960);
  const table = await mevent([...args, "--count", "10"]);
  assertMatch(table.stdout, /^ok +0\nbusy +10$/m);
});

Deno.test("bench takes no value out of its bounds, nor what contradicts itself", async () => {
  const cases: [string[], string][] = [
    [["--conns", "0"], "--conns"],
    [["--depth", "4097"], "--depth"],
    [["--size", "15"], "--size"],
    [["--seconds", "0"], "--seconds"],
    [["--count", "0"], "--count"],
    [["--cmd", "65536"], "--cmd"],
    [["--mode", "both"], "--mode"],
    [["--encoding", "xml"], "--encoding"],
    [["--timeout", "0"], "--timeout"],
    [["--conns", "10000", "--size", "1000000"], "1 GiB"],
    [["--size", "100", "uid:=7"], "contradict"],
    [["--rate", "100"], "--capacity"],
    [["--wait", "1s"], "--capacity"],
    [["--capacity", "--mode", "sync"], "async"],
    [["--unix", "/tmp/x", "--port", "1"], "contradict"],
  ];
  for (const [args, message] of cases) {
    const { code, stdout, stderr } = await mevent(["bench", ...args]);
    assertEquals([code, stdout], [64, ""], args.join(" "));
    assertStringIncludes(stderr, message);
  }
  for (const more of [[], ["--capacity"]]) {
    const { code, stderr } = await mevent(["bench", "--unix", "/nonexistent/mevent.sock", ...more]);
    assertEquals(code, 69);
    assertStringIncludes(stderr, "cannot reach unix /nonexistent/mevent.sock");
  }
});

Deno.test("bench ends where no reply comes, tells how many are missing and exits with 69", async () => {
  await using server = await deadServer(100);
  const args = ["bench", "--unix", server.unix, "--plugin", "dead", "--cmd", "1001", "--timeout", "50ms"];
  const { code, stdout } = await mevent([...args, "--count", "3"]);
  assertEquals(code, 69);
  assertMatch(stdout, /^unanswered +3$/m);
});

Deno.test("bench says so where a listener answers no async request", async () => {
  await using server = await TestServer.start({ server: { async_reply: false } });
  const args = ["bench", "--unix", server.unix, "--mode", "async", "--timeout", "50ms", "--count", "3"];
  const { code, stderr } = await mevent(args);
  assertEquals(code, 69);
  assertStringIncludes(stderr, "async_reply = false");
});

Deno.test("requests whose connection ends are lost, replies that nobody waits for are stray", async () => {
  const cases: [answer: "nothing" | "twice", expected: Record<string, number>][] = [
    ["nothing", { sent: 6, operations: 0, lost: 6, unanswered: 0, stray_replies: 0 }],
    ["twice", { sent: 6, operations: 6, lost: 0, unanswered: 0, stray_replies: 6 }],
  ];
  for (const [answer, expected] of cases) {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const serving = oddServer(listener, answer);
    const { port } = listener.addr;
    const args = ["bench", "--port", String(port), "--conns", "2", "--depth", "3", "--count", "6", "--json"];
    const { code, stdout } = await mevent(args);
    listener.close();
    await serving;
    const result = JSON.parse(stdout);
    assertEquals(Object.fromEntries(Object.keys(expected).map((key) => [key, result[key]])), expected);
    assertEquals(code, answer === "nothing" ? 69 : 1);
  }
});

Deno.test("SIGINT ends bench with the result so far", async () => {
  await using server = await deadServer(100);
  const args = ["--unix", server.unix, "--plugin", "dead", "--cmd", "1001", "--conns", "2", "--depth", "5"];
  const bench = new MeventProcess("bench", "--json", "--seconds", "600", ...args);
  // The signal listener stands before the first request leaves.
  await server.until("ten requests are there", () => server.plugin("dead").accepted === 10);
  bench.child.kill("SIGINT");
  const { code, stdout } = await bench.end();
  assertEquals(code, 1);
  const { sent, operations, unanswered, interrupted } = JSON.parse(stdout);
  assertEquals([sent, operations, unanswered, interrupted], [10, 0, 10, true]);
});

Deno.test("every id of a window settles once, whatever the order", () => {
  const plan = {
    address: { transport: "unix", path: "" },
    options: {},
    plugin: "p",
    command: 1001,
    sync: true,
    body: new Uint8Array(30),
    connections: 1,
    durationMs: 1,
    count: 1,
    timeoutMs: 1,
  } as const;
  fc.assert(fc.property(
    fc.integer({ min: 1, max: 20 }),
    fc.array(fc.tuple(fc.nat(30), fc.array(fc.nat(100), { maxLength: 25 })), { maxLength: 30 }),
    (depth, steps) => {
      const window = new LoadWindow({ ...plan, depth });
      const unanswered = new Map<number, number>();
      let now = 0;
      for (const [wanted, settled] of steps) {
        const count = Math.min(wanted, window.room);
        const frames = new FrameReader(65_536);
        frames.push(window.take(count, ++now));
        while (frames.next() === "message") {
          const id = readU32(frames.bytes, frames.at) & MAX_REQUEST_ID;
          assert(!unanswered.has(id));
          unanswered.set(id, now);
        }
        assertEquals(window.room, depth - unanswered.size);
        for (const n of settled) {
          const [id, sentAt] = [...unanswered][n] ?? [n, -1];
          assertEquals(window.settle(id), unanswered.has(id) ? sentAt : -1);
          unanswered.delete(id);
          assert(window.settle(id) < 0);
        }
      }
    },
  ));
});

Deno.test("the chart counts every time once, in the row of its bound", () => {
  fc.assert(fc.property(fc.array(fc.nat(2_000_000), { minLength: 1, maxLength: 200 }), (values) => {
    const times = new Histogram();
    for (const value of values) times.record(value);
    for (const bound of [1, 10, 31, 500, 20_000, 5_000_000]) {
      const [least, most] = [0.96, 1].map((error) => values.filter((value) => value <= bound * error).length);
      const count = countUpTo(times, bound);
      assert(least! <= count && count <= most!, `${count} up to ${bound}`);
    }
  }));
  const times = new Histogram();
  for (const value of [15, 700, 700, 700, 900]) times.record(value);
  const io = { ...ignored, isStdinTerminal: false, noColor: false, env: { LANG: "C.UTF-8" } };
  assertEquals(
    latencyChart(times, io).split("\n").map((line) => line.replace(/(█+)$/, (bar) => String(bar.length))),
    [" ≤ 20 µs  1  20.0%  10", " ≤ 50 µs  0   0.0%", "≤ 100 µs  0   0.0%", "≤ 200 µs  0   0.0%"]
      .concat("≤ 500 µs  0   0.0%", "  ≤ 1 ms  4  80.0%  40", ""),
  );
  assert(/^[ -~µ\n]*$/.test(latencyChart(times, { ...io, noColor: true })));
});

const silent = { isTerminal: false, write: () => Promise.resolve() };
const ignored = { stdout: silent, stderr: silent, stdin: new ReadableStream<Uint8Array>() };

/** Reads requests, and either closes the connection or answers each of them twice. */
async function oddServer(listener: Deno.Listener, answer: "nothing" | "twice"): Promise<void> {
  const serving: Promise<void>[] = [];
  try {
    for await (const conn of listener) serving.push(serve(conn, answer));
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
  await Promise.all(serving);
}

async function serve(conn: Deno.Conn, answer: "nothing" | "twice"): Promise<void> {
  using _ = conn;
  const frames = new FrameReader(65_536);
  const reply = new Uint8Array(24);
  for (;;) {
    const count = await conn.read(frames.space());
    if (count === null) return;
    frames.received(count);
    if (answer === "nothing") return;
    while (frames.next() === "message") {
      const id = readU32(frames.bytes, frames.at) & MAX_REQUEST_ID;
      for (const at of [0, 12]) writeReply(reply, at, true, id, 1000, null);
      await conn.write(reply);
    }
  }
}
