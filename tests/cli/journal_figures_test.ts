import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { mevent } from "../support/mevent.ts";
import { JournalStandIn } from "../support/journal_stand_in.ts";
import { streamRequest } from "../support/requests.ts";
import { TestServer } from "../support/test_server.ts";

Deno.test("stats, their metrics and peek show what is not on the disk yet, and why a journal takes nothing", async () => {
  const standIn = new JournalStandIn();
  await using server = await TestServer.start({
    control: true,
    server: { data: "/journals" },
    plugins: [{ name: "echo", durability: "journal" }, { name: "skeleton" }],
    journalThread: standIn.start,
  });
  using connection = await server.connect();
  standIn.holds = true;
  await connection.send(streamRequest({ sync: false, params: { n: 1 } }));
  await server.until("it waits for the disk", () => server.plugin("echo").journal?.unsynced === 1);
  const asked = async (...args: string[]) => {
    const { code, stdout, stderr } = await mevent(args);
    assertEquals([code, stderr], [0, ""]);
    return stdout;
  };

  const table = await asked("stats", "--unix", server.unix);
  assertMatch(table, /^journals +0 B of 10 GiB on disk$/m);
  assertMatch(
    table,
    /^echo journal: unsynced 1 \(\d+ B\), on disk alone 0, files \d, .* of 1 GiB \(0 B alive\), commits\/s 0/m,
  );
  assertEquals(table.match(/journal:/g)?.length, 1, "a queue in memory has no such line");

  const json = JSON.parse(await asked("stats", "--unix", server.unix, "--json"));
  assertEquals(
    json.plugins.map(({ journal }: { journal: { unsynced: number } | null }) => journal?.unsynced),
    [1, undefined],
  );

  const metrics = await asked("stats", "--unix", server.unix, "--prometheus");
  assertMatch(metrics, /^mevent_plugin_journal_unsynced\{plugin="echo"\} 1$/m);
  assertMatch(metrics, /^mevent_plugin_journal_unsynced_bytes\{plugin="echo"\} \d\d+$/m);
  assertMatch(metrics, /^mevent_plugin_journal_problem\{plugin="echo"\} 0$/m);
  assertMatch(
    metrics,
    /^mevent_plugin_journal_commit_last_minute_p99_seconds\{plugin="echo"\} 0$/m,
  );

  const peek = await asked("peek", "echo", "--control", server.controlPath);
  assertMatch(peek, /^plugin echo has 1 operation, 1 \(\d+ B\) not on the disk yet$/m);
  assertMatch(peek, /^ *\d+ +unsynced +1001 +async/m);

  standIn.problem = "no space is left on the device";
  standIn.tellsProblem = true;
  standIn.holds = false;
  standIn.look();
  await server.until("it is known", () => server.plugin("echo").journal!.problem !== null);
  assertStringIncludes(
    await asked("stats", "--unix", server.unix),
    "echo journal: takes nothing: no space is left on the device, unsynced 0",
  );
  assertMatch(
    await asked("stats", "--unix", server.unix, "--prometheus"),
    /^mevent_plugin_journal_problem\{plugin="echo"\} 1$/m,
  );
});
