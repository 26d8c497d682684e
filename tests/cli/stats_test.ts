import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { VERSION } from "../../src/cli/version.ts";
import { asServerStats } from "../../src/cli/stats/report.ts";
import { statsTable } from "../../src/cli/stats/table.ts";
import { bytesText, microsecondsText, uptimeText } from "../../src/cli/stats/units.ts";
import { Connection } from "../../src/client/connection.ts";
import type { ServerStats } from "../../src/observe/server_stats.ts";
import { mevent, MeventProcess, TestServer, TWO_PLUGINS } from "../support/mevent.ts";
import { pluginStats, serverStats } from "../support/stats_samples.ts";

Deno.test("stats shows the server's and every plugin's figures, over TCP and a Unix socket", async () => {
  await using server = await TestServer.start(TWO_PLUGINS);
  const to = ["--port", String(server.tcpPort)];
  assertEquals((await mevent(["send", "--biz", "3", "--cmd", "1001", ...to, "--count", "25"])).code, 0);
  for (const way of [to, ["--unix", server.unixPath]]) {
    const { code, stdout, stderr } = await mevent(["stats", ...way]);
    assertEquals([code, stderr], [0, ""]);
    assertStringIncludes(stdout, `mevent ${VERSION}, pid ${Deno.pid}, running for`);
    assertMatch(stdout, /^plugin +biz +queued +in flight +done +failed/m);
    assertMatch(stdout, /^echo +3 +0 +0 +25 +0 +0 +0 B /m);
    assertMatch(stdout, /^skeleton +1 +0 +0 +0 /m);
  }
});

Deno.test("stats --json prints what the server says, in the shape that is declared", async () => {
  await using server = await TestServer.start(TWO_PLUGINS);
  const { code, stdout } = await mevent(["stats", "--json", "--unix", server.unixPath]);
  assertEquals(code, 0);
  assertEquals(stdout.trimEnd().includes("\n"), false);
  const stats = asServerStats(JSON.parse(stdout));
  assertEquals(stats.plugins.map(({ name, biz }) => [name, biz]), [["skeleton", 1], ["echo", 3]]);
  assertEquals(stats.messages, { tcp: 0, udp: 0, unix: 1, http: 0 });
});

Deno.test("stats of a server that is not there exits with 69", async () => {
  for (const more of [[], ["--json"], ["--watch"]]) {
    const { code, stdout, stderr } = await mevent(["stats", "--unix", "/nonexistent/mevent.sock", ...more]);
    assertEquals([code, stdout], [69, ""]);
    assertStringIncludes(stderr, "cannot reach unix /nonexistent/mevent.sock");
  }
  assertEquals((await mevent(["stats", "--interval", "1s"])).code, 64);
  assertEquals((await mevent(["stats", "--watch", "--interval", "0"])).code, 64);
});

Deno.test("stats --watch goes on when the server restarts and ends with 0 on SIGINT", async () => {
  const first = await TestServer.start();
  const port = first.tcpPort;
  const watch = new MeventProcess("stats", "--watch", "--json", "--interval", "20ms", "--port", String(port));
  await watch.until(/\n/);
  await first[Symbol.asyncDispose]();
  await using _second = await TestServer.start('[[plugin]]\nname = "again"\nmodule = "builtin:echo"\n', port);
  await watch.until(/"again"/);
  watch.child.kill("SIGINT");
  const { code, stderr } = await watch.end();
  assertEquals(code, 0, stderr);
  assertMatch(stderr, /^mevent stats: .*; trying again\n$/);
});

Deno.test("stats --watch prints a block a look where stdout is no terminal", async () => {
  await using server = await TestServer.start();
  const watch = new MeventProcess("stats", "--watch", "--interval", "20ms", "--unix", server.unixPath);
  await watch.until(/done\/s[^]*\n\nmevent [^]*\necho /);
  await using client = await Connection.connect({ transport: "unix", path: server.unixPath });
  assertEquals((await client.request("Reserve.Stats", 1)).code, 1000);
  watch.child.kill("SIGINT");
  const { code, stdout } = await watch.end();
  assertEquals(code, 0);
  assert(!stdout.includes("\x1b"));
});

Deno.test("the table aligns its columns, groups digits and shows a plugin's own figures", () => {
  const orders = pluginStats({
    done: 1_234_567,
    queued: 3,
    oldest_wait_ms: 2500,
    queue_bytes: 1_572_864,
    queue_level: "warning",
    wait_us: { p50: 42, p99: 1500 },
    wait_us_last_minute: { p50: 900, p99: 2_000_000 },
    run_us_last_minute: { p50: 7, p99: 8 },
    workers: 2,
    workers_running: 1,
    unhealthy_workers: 1,
    restarts: 3,
    counters: { mails_sent: 12 },
    gauges: { depth: 0.5 },
    paused: true,
    retrying: 2,
    retries: 1500,
    dead: 1,
  });
  const odd = pluginStats({ name: "odd\x1b[31m", biz: null });
  const table = statsTable(serverStats([orders, odd]), false);
  const lines = table.split("\n");
  assertEquals(lines.slice(0, 8), [
    "mevent 1.2.3, pid 42, running for 1 min",
    "verdict      All well",
    "connections  open 1, accepted 1,000, refused 0, slow readers closed 0",
    "messages     tcp 1,234,567, udp 0, unix 0, http 0",
    "errors       version 0, broken 0, unknown 0, busy 0, replies dropped 0, datagrams dropped 0",
    "limits       frame timeout 3",
    "queues       1.5 KiB of 1 GiB",
    "memory       64 MiB",
  ]);
  const [header = "", row = "", oddRow = ""] = lines.slice(9);
  assertEquals([row.length, oddRow.length], [header.length, header.length]);
  assertMatch(
    row,
    /^orders +7 +3 +0 +1,234,567 +0 +0 +1.5 MiB \(warning\) +2.5 s +42 µs \/ 1.5 ms +900 µs \/ 2 s +0 µs \/ 0 µs +7 µs \/ 8 µs +1 of 2, 1 unhealthy, 3 restarted$/,
  );
  assertMatch(header, /queue +oldest +wait p50\/p99 +last minute +run p50\/p99 +last minute +workers$/);
  assertMatch(oddRow, /^odd\?\[31m +- .* - +0 µs/);
  assertEquals(lines.slice(12), [
    "",
    "orders operations: paused, retrying 2, retries 1,500, dead 1",
    "orders: mails sent 12, depth 0.5",
    "",
  ]);
});

Deno.test("the rate is told from an earlier look at the same run of the server", () => {
  const rate = (before: ServerStats | undefined, now: ServerStats) => {
    const table = statsTable(now, true, before === undefined ? undefined : { stats: before, agoMs: 500 });
    return /^orders +7 +0 +0 +[\d,]+ +(\S+)/m.exec(table)?.[1];
  };
  const early = serverStats([pluginStats({ done: 100 })], 60);
  const late = serverStats([pluginStats({ done: 1100 })], 61);
  assertEquals(rate(early, late), "2,000");
  assertEquals(rate(undefined, late), "-");
  assertEquals(rate(late, serverStats([pluginStats({ done: 5 })], 1)), "-");
  assertEquals(rate({ ...early, pid: 43 }, late), "-");
});

Deno.test("figures get the unit that keeps them short", () => {
  assertEquals([0, 1023, 1536, 1024 ** 2 * 256, 1024 ** 5].map(bytesText), [
    "0 B",
    "1023 B",
    "1.5 KiB",
    "256 MiB",
    "1024 TiB",
  ]);
  assertEquals([0, 999, 1000, 1234, 2_500_000].map(microsecondsText), [
    "0 µs",
    "999 µs",
    "1 ms",
    "1.2 ms",
    "2.5 s",
  ]);
  assertEquals([0, 59.9, 60, 3700, 90_000, 86_400].map(uptimeText), [
    "0 s",
    "59 s",
    "1 min",
    "1 h 1 min",
    "1 d 1 h",
    "1 d",
  ]);
});
