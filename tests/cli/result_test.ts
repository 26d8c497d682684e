import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { stateTable } from "../../src/cli/result/state_table.ts";
import { mevent, TestServer } from "../support/mevent.ts";

const ECHO = `
  [[plugin]]
  name = "echo"
  biz = 3
  module = "builtin:echo"
  concurrency = 1
  max_delay = "1h"
  results = { keep = "1h" }
`;

Deno.test("send --async prints the id where the plugin keeps results, and result tells what has become of it", async (t) => {
  await using server = await TestServer.start(ECHO);
  const port = ["--port", String(server.tcpPort)];
  const enqueue = async (...args: string[]) => {
    const { code, stdout, stderr } = await mevent(["send", "--biz", "3", "--async", "--cmd", ...args]);
    assertEquals([code, stdout], [0, ""]);
    assertMatch(stderr, /^1000 REP_OK in \d+\.\d\d ms: queued as [0-9a-f]{12}-\w+-\w+\n$/);
    return stderr.trim().split(" ").at(-1)!;
  };
  await t.step("over every transport, for people and as JSON, with all digits", async () => {
    const ways = [port, ["--port", String(server.udpPort), "--udp"], ["--unix", server.unixPath]];
    for (const way of ways) {
      const id = await enqueue("1001", ...way, "n:=12345678901234567890", "text=ü");
      const shown = await mevent(["result", id, "--wait", "10s", ...way]);
      assertEquals([shown.code, shown.stderr], [0, ""]);
      assertMatch(
        shown.stdout,
        /^state +done\nplugin +echo\ncommand +1001\nattempts ended +1\naccepted at +\d{4}-.*Z\nended at +\d{4}-.*Z\ncode +1000\nresult +\{"n":12345678901234567890,"text":"ü"\}\n$/,
      );
      const json = await mevent(["result", id, "--json", ...way]);
      assertMatch(
        json.stdout,
        /^\{"id":"[^"]+","plugin":"echo",.*"result":\{"n":12345678901234567890,"text":"ü"\}\}\n$/,
      );
    }
  });
  await t.step(
    "what has not ended is 75, also after a wait, what has failed and what nobody knows 1",
    async () => {
      const delayed = await enqueue("1001", ...port, "mevent.delay:=3000");
      for (const wait of ["0s", "20ms"]) {
        const { code, stdout } = await mevent(["result", delayed, "--wait", wait, ...port]);
        assertEquals(code, 75);
        assertMatch(stdout, /^state +delayed\n(.*\n)*due in ms +29\d{5}\n$/);
      }
      const failed = await enqueue("1003", ...port, "ms:=-1");
      const { code, stdout } = await mevent(["result", failed, "--wait", "10s", ...port]);
      assertEquals(code, 1);
      assertMatch(stdout, /^state +dead\n(.*\n)*code +25\nerror +ms is to be from 0 to/);
      const none = await mevent(["result", "0123456789ab-1-1", ...port]);
      assertEquals([none.code, none.stdout], [1, ""]);
      assertStringIncludes(none.stderr, "mevent result: nothing is known of operation 0123456789ab-1-1");
    },
  );
  await t.step("what is wrong is said", async () => {
    const odd = await mevent(["result", "odd\u001b", ...port]);
    assertEquals(odd.code, 65);
    assertMatch(odd.stderr, /^mevent result: "odd.*" is no operation's id: /);
    const usages: [string[], string][] = [
      [["result", ...port], "result takes the id of one operation"],
      [["result", "a", "b", ...port], "result takes the id of one operation"],
      [["result", "a", "--wait", "x", ...port], "--wait"],
    ];
    for (const [argv, sentence] of usages) {
      const { code, stderr } = await mevent(argv);
      assertEquals(code, 64);
      assertStringIncludes(stderr, sentence);
    }
    const nobody = await mevent(["result", "0123456789ab-1-1", "--unix", `${server.directory}/none`]);
    assertEquals(nobody.code, 69);
  });
  await t.step("a plugin that keeps no results is sent to as ever", async () => {
    await using plain = await TestServer.start();
    const port = ["--port", String(plain.tcpPort)];
    const { stderr } = await mevent(["send", "--biz", "echo", "--cmd", "1001", "--async", ...port]);
    assertMatch(stderr, /^1000 REP_OK in \d+\.\d\d ms: queued\n$/);
  });
  await t.step("the figures tell how many results there are", async () => {
    const { stdout } = await mevent(["stats", ...port]);
    assertMatch(stdout, /^echo operations: .*results \d+, results asked \d+$/m);
  });
});

Deno.test("the table of a state has a row for what is known, on one line each", () => {
  assertEquals(
    stateTable({ state: "running", plugin: "a", progress: { done: 1.5, total: 3, note: "x\ny" } }),
    "state     running\nplugin    a\nprogress  1.5 of 3: x?y\n",
  );
  assertEquals(stateTable({ state: "running", progress: { done: 2 } }), "state     running\nprogress  2\n");
});
