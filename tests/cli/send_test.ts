import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { SendTally } from "../../src/cli/send/tally.ts";
import { Connection } from "../../src/client/connection.ts";
import { mevent, MeventProcess, TestServer } from "../support/mevent.ts";

/** A plugin whose only worker takes one operation at a time and whose queue holds one more. */
const NARROW = `
  [[plugin]]
  name = "echo"
  biz = 3
  module = "builtin:echo"
  concurrency = 1
  queue = { max_ops = 1 }
`;

const ECHO = ["send", "--biz", "3", "--cmd", "1001"];

Deno.test("send to a server that answers", async (t) => {
  await using server = await TestServer.start();
  await t.step(
    "send prints the reply's JSON to stdout, its code and time to stderr, over every transport",
    async () => {
      const ways = [
        ["--port", String(server.tcpPort)],
        ["--port", String(server.udpPort), "--udp"],
        ["--unix", server.unixPath],
      ];
      for (const way of ways) {
        const { code, stdout, stderr } = await mevent([...ECHO, ...way, "--json", '{"uid": 7}']);
        assertEquals([code, stdout], [0, '{"uid": 7}\n']);
        assertMatch(stderr, /^1000 REP_OK in \d+\.\d\d ms\n$/);
      }
    },
  );
  await t.step("send takes its params from text, a file, stdin and key=value arguments", async () => {
    const port = ["--port", String(server.tcpPort)];
    const file = `${server.directory}/params.json`;
    await Deno.writeTextFile(file, '{"from": "file"}');
    const cases: [string[], string][] = [
      [["--json", "@" + file], '{"from": "file"}\n'],
      [["--json", "-"], '{"from": "stdin"}\n'],
      [["--json", '{"big": 12345678901234567890, "ä": null}'], '{"big": 12345678901234567890, "ä": null}\n'],
      [
        ["uid=7", 'deep:={"a":[1]}', "url=http://x/?a=b", "empty="],
        '{"uid":"7","deep":{"a":[1]},"url":"http://x/?a=b","empty":""}\n',
      ],
      [["--json", '{\n  "lines": 2\n}'], '{"lines":2}\n'],
      [["--json", '{\n"n": [1.10, -0, 1e400]}'], '{"n":[1.10,-0,1e400]}\n'],
      [
        ["id:=1234567890123456789", "n:=[1.10, -0, 1e400, 0.1234567890123456789]", "text=007"],
        '{"id":1234567890123456789,"n":[1.10,-0,1e400,0.1234567890123456789],"text":"007"}\n',
      ],
      [[], "{}\n"],
    ];
    for (const [args, expected] of cases) {
      const { code, stdout, stderr } = await mevent([...ECHO, ...port, ...args], {
        stdin: '{"from": "stdin"}',
      });
      assertEquals([code, stdout], [0, expected], stderr);
    }
    const pretty = await mevent([...ECHO, ...port, "uid=7", "id:=18446744073709551615", "price:=1.10"], {
      isTerminal: true,
    });
    assertEquals(pretty.stdout, '{\n  "uid": "7",\n  "id": 18446744073709551615,\n  "price": 1.10\n}\n');
  });
  await t.step("send --hdf prints the reply as HDF", async () => {
    const args = [...ECHO, "--port", String(server.tcpPort), "--hdf"];
    const file = `${server.directory}/params.hdf`;
    await Deno.writeTextFile(file, 'user.name = Ann\nuser.id [type="102"] = 7\n');
    for (const source of [file, "-"]) {
      const { code, stdout } = await mevent([...args, source], { stdin: await Deno.readTextFile(file) });
      assertEquals([code, stdout], [0, 'user{\nname = Ann\nid [type="102"]  = 7\n}\n']);
    }
    const long = 'id [type="103"]  = 1234567890123456789\nd [type="104"]  = 0.1234567890123456789\n';
    assertEquals((await mevent([...args, "-"], { stdin: long })).stdout, long);
    const broken = await mevent([...args, "-"], { stdin: "a = 1\n}" });
    assertEquals([broken.code, broken.stdout], [65, ""]);
    assertStringIncludes(broken.stderr, "line 2");
  });
  await t.step("send tells by its exit code what went wrong", async () => {
    const to = ["--port", String(server.tcpPort)];
    const cases: [string[], number, string][] = [
      [["--biz", "3", "--cmd", "1003"], 65, "23 REP_ERR_BADPARAM"],
      [["--biz", "nobody", "--cmd", "1001"], 65, "18 REP_ERR_UNKREQ"],
      [["--biz", "3", "--cmd", "1999"], 65, "18 REP_ERR_UNKREQ"],
      [["--biz", "3", "--cmd", "100", "cachekey=none"], 1, "24 REP_ERR_CACHE_MISS"],
      [["--biz", "3", "--cmd", "1003", "ms:=-1"], 1, "application error 25"],
      [["--biz", "3", "--cmd", "1001", "--json", "{"], 65, "not JSON"],
      [["--biz", "3", "--cmd", "1001", "--json", "[1]"], 65, "expected an object"],
      [["--biz", "3", "--cmd", "1001", "--json", "@/nonexistent.json"], 65, "/nonexistent.json"],
      [["--biz", "3", "--cmd", "1001", "--json", "{}", "a=1"], 64, "one of"],
      [["--biz", "3", "--cmd", "1001", "a=1", "a=2"], 64, "twice"],
      [["--biz", "3", "--cmd", "1001", "a:=x"], 64, "not JSON"],
      [["--biz", "3", "--cmd", "1001", "nothing"], 64, "key=text"],
      [["--biz", "3", "--cmd", "0"], 64, "--cmd"],
      [["--cmd", "1001"], 64, "--biz"],
      [["--biz", "3", "--cmd", "1001", "--unix", "/tmp/x"], 64, "contradict"],
      [["--biz", "3", "--cmd", "1001", "--concurrency", "5"], 64, "--count"],
      [["--biz", "3", "--cmd", "1003", "ms:=200", "--timeout", "30ms"], 69, "within 30 ms"],
    ];
    for (const [args, code, message] of cases) {
      const outcome = await mevent(["send", ...to, ...args]);
      assertEquals(outcome.code, code, `${args.join(" ")}: ${outcome.stderr}`);
      assertStringIncludes(outcome.stderr, message);
    }
  });
  await t.step("send --async says that it was queued and prints nothing to stdout", async () => {
    const { code, stdout, stderr } = await mevent([
      ...ECHO,
      "--port",
      String(server.tcpPort),
      "--async",
      "a=1",
    ]);
    assertEquals([code, stdout], [0, ""]);
    assertMatch(stderr, /^1000 REP_OK in [\d.]+ ms: queued\n$/);
  });
});

Deno.test("send to a server that is not there exits with 69 and names the address", async () => {
  const { tcpPort, server, directory } = await TestServer.start();
  await server.stop();
  await Deno.remove(directory, { recursive: true });
  for (const more of [[], ["--count", "10", "--concurrency", "5"]]) {
    const { code, stdout, stderr } = await mevent([...ECHO, "--port", String(tcpPort), ...more]);
    assertEquals([code, stdout], [69, ""]);
    assertStringIncludes(stderr, `cannot reach tcp 127.0.0.1:${tcpPort}`);
  }
});

Deno.test("send --async to a listener that answers no async request says so", async () => {
  await using server = await TestServer.start("[server]\nasync_reply = false\n");
  const args = [...ECHO, "--port", String(server.tcpPort), "--async", "--timeout", "300ms"];
  const { code, stderr } = await mevent(args);
  assertEquals(code, 69);
  assertStringIncludes(stderr, "async_reply = false");
});

Deno.test("a full queue is exit code 75, alone and in numbers", async () => {
  await using server = await TestServer.start(NARROW);
  await using client = await Connection.connect({ transport: "unix", path: server.unixPath });
  // Sleepers fill the worker and the queue; refused many times in a row, nothing takes from the queue any more.
  for (let refused = 0; refused < 50;) {
    const { code } = await client.request(3, 1003, { ms: 60_000 }, { sync: false });
    refused = code === 21 ? refused + 1 : 0;
  }
  const to = ["--unix", server.unixPath];
  const single = await mevent([...ECHO, ...to]);
  const many = await mevent([...ECHO, ...to, "--count", "20", "--concurrency", "4"]);
  // Does not wait for the sleepers: the second stop, below, gives them up.
  server.server.stop();
  assertEquals(single.code, 75);
  assertMatch(single.stderr, /^21 REP_ERR_BUSY/);
  assertEquals(many.code, 75);
  assertMatch(many.stdout, /^ok +0$/m);
  assertMatch(many.stdout, /^ {2}21 +20 REP_ERR_BUSY$/m);
});

Deno.test("send --count sends all from many callers and sums up", async () => {
  await using server = await TestServer.start();
  const more = ["--count", "2000", "--concurrency", "100", "uid:=7"];
  const { code, stdout, stderr } = await mevent([...ECHO, "--port", String(server.tcpPort), ...more]);
  assertEquals([code, stderr], [0, ""]);
  assertMatch(stdout, /^total +2,000 in \d+\.\d\d s, [\d,]+\/s$/m);
  assertMatch(stdout, /^ok +2,000$/m);
  assertMatch(stdout, /^ {2}1000 +2,000 REP_OK$/m);
  assertMatch(stdout, /^time +p50 [\d.]+, p90 [\d.]+, p99 [\d.]+, max [\d.]+ ms$/m);
  assertEquals(server.server.counters.connectionsAccepted, 64);
  assertEquals(server.server.stats().plugins.find(({ name }) => name === "echo")?.done, 2000);
});

Deno.test("SIGINT ends send --count with the summary so far", async () => {
  await using server = await TestServer.start();
  const args = ["send", "--biz", "3", "--cmd", "1003", "ms:=60000", "--timeout", "1m", "--count", "100"];
  const sender = new MeventProcess(...args, "--concurrency", "10", "--unix", server.unixPath);
  // The signal listener stands before the first request leaves.
  await using client = await Connection.connect({ transport: "unix", path: server.unixPath });
  for (let seen = 0; seen < 10;) {
    await client.request(3, 1002);
    seen = server.server.stats().plugins.find(({ name }) => name === "echo")?.in_flight ?? 0;
  }
  sender.child.kill("SIGINT");
  const { code, stdout } = await sender.end();
  assertEquals(code, 1);
  assertMatch(stdout, /^total +100 in/m);
  assertMatch(stdout, /^missing +100 /m);
  // As above.
  server.server.stop();
});

Deno.test("the tally's exit code is 0 only where all succeeded, and that of the failures where they are of one kind", () => {
  const tally = (codes: number[], total: number, timeouts = 0) => {
    const made = new SendTally(total);
    for (const code of codes) made.reply(code, 1);
    made.timeouts = timeouts;
    return made.exitCode();
  };
  assertEquals(tally([1000, 1005], 2), 0);
  assertEquals(tally([1000], 2), 1);
  assertEquals(tally([1000, 21], 2), 75);
  assertEquals(tally([23, 21], 2), 1);
  assertEquals(tally([1000], 2, 1), 69);
  const empty = new SendTally(3);
  assert(!empty.summary(0).includes("p50"));
  assertMatch(empty.summary(0), /missing +3/);
});

Deno.test("a host that is none is a mistake in the command line, over TCP and UDP", async () => {
  for (const host of ["", " ", "[::1"]) {
    for (const udp of [[], ["--udp"]]) {
      const { code, stderr } = await mevent([
        "send",
        "--host",
        host,
        ...udp,
        "--biz",
        "echo",
        "--cmd",
        "1001",
      ]);
      assertEquals(code, 64, stderr);
      assertStringIncludes(stderr, "--host: expected a name or an address");
    }
  }
});
