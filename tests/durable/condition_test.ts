import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { asServerStats } from "../../src/cli/stats/report.ts";
import { statsTable } from "../../src/cli/stats/table.ts";
import { prometheusText } from "../../src/observe/prometheus.ts";
import { readiness } from "../../src/observe/readiness.ts";
import { JournalStandIn } from "../support/journal_stand_in.ts";
import { messageOf, streamRequest } from "../support/requests.ts";
import { TestServer } from "../support/test_server.ts";
import { until } from "../support/until.ts";

Deno.test("a server is ready where it runs and all its journals take operations", () => {
  const problem = "no space is left on the device";
  const plugins = [{ name: "a", problem: null, down: null }, { name: "b", problem, down: null }];
  assertEquals(readiness("running", plugins.slice(0, 1)), { ready: true, reasons: [] });
  const reason = `the journal of plugin b takes no operations: ${problem}`;
  assertEquals(readiness("running", plugins), { ready: false, reasons: [reason] });
  assertEquals(readiness("draining", plugins).reasons, ["the server is draining", reason]);
  const down = "its workers die; the log says why";
  assertEquals(readiness("running", [{ name: "c", problem: null, down }]).reasons, [
    `no worker of the essential plugin c can work: ${down}`,
  ]);
});

Deno.test("what keeps a journal from taking operations, or from cleaning up, is in the log once, in the figures, and in readiness", async () => {
  const standIn = new JournalStandIn();
  await using server = await TestServer.start({
    server: { data: "/journals", http: "127.0.0.1:0" },
    plugins: [{ name: "echo", durability: "journal" }],
    journalThread: standIn.start,
  });
  const lines = (text: string) => server.log.filter((line) => line.includes(text));
  const own = () => {
    const stats = asServerStats(JSON.parse(JSON.stringify(server.stats())));
    return { stats, table: statsTable(stats, false), metrics: prometheusText(stats) };
  };
  const readyz = async () => {
    const response = await fetch(`${server.httpUrl}/readyz`);
    return [response.status, await response.json()];
  };
  assertEquals(await readyz(), [200, { state: "running", not_ready: [] }]);
  standIn.cleanupProblem =
    "/journals/echo/0000000002.journal is damaged at byte 240: the record's checksum does not fit it";
  standIn.problem = "no space is left on the device";
  standIn.tellsProblem = true;
  standIn.look();
  await server.until("it knows", () => !server.stats().ready);
  standIn.look();
  const { stats, table, metrics } = own();
  const reason = "the journal of plugin echo takes no operations: no space is left on the device";
  assertEquals(stats.not_ready, [reason]);
  assertEquals(await readyz(), [503, { state: "running", not_ready: [reason] }]);
  assertStringIncludes(table, `\nnot ready    ${reason}\n`);
  assertStringIncludes(table, `stopped 7 times, old files stay: ${standIn.cleanupProblem}`);
  assertStringIncludes(metrics, "\nmevent_ready 0\n");
  assertStringIncludes(metrics, '\nmevent_plugin_journal_cleanup_problem{plugin="echo"} 1\n');
  assertStringIncludes(metrics, '\nmevent_plugin_journal_failures_total{plugin="echo"} 7\n');
  assertEquals(lines("old files of a journal cannot be cleaned up").length, 1);
  assertStringIncludes(
    lines("old files of a journal cannot be cleaned up")[0]!,
    "0000000002.journal is damaged at byte 240",
  );

  standIn.cleanupProblem = null;
  standIn.problem = null;
  standIn.look();
  await server.until("it is over", () => server.stats().ready);
  assertEquals(lines("old files of a journal are cleaned up again").length, 1);
  assertStringIncludes(own().metrics, "\nmevent_ready 1\n");
});

Deno.test("a journal's file that is deleted while the server runs is missed, and named to callers, to the log and in the figures", async () => {
  const data = await Deno.makeTempDir({ prefix: "mevent-journals-" });
  try {
    await using server = await TestServer.start({
      server: { data },
      plugins: [{ name: "echo", durability: "journal" }],
    });
    using connection = await server.connect();
    server.server.registry.plugins[0]!.pause();
    const send = async () => {
      await connection.send(streamRequest({ sync: false }));
      return await connection.reply();
    };
    assertEquals((await send()).code, 1000);
    const path = `${data}/echo/0000000001.journal`;
    await Deno.remove(path);
    let message = "";
    await until("it is missed", async () => {
      const reply = await send();
      if (reply.code === 21) message = messageOf(reply);
      return message !== "";
    });
    assertStringIncludes(
      message,
      `${path} is gone: it was deleted or moved away while the server runs; put it back`,
    );
    assertEquals(server.log.filter((line) => line.includes(`${path} is gone`)).length, 1);
    assert(server.stats().not_ready[0]!.includes(path));
    // When what it held has run, nothing is missed any more.
    server.server.registry.plugins[0]!.resume();
    await server.until("it takes operations again", () => server.stats().ready);
    assertEquals((await send()).code, 1000);
  } finally {
    await Deno.remove(data, { recursive: true });
  }
});
