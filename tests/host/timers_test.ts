import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import type { JsonObject } from "../../src/plugin.ts";
import { timerProblems } from "../../src/host/check_timers.ts";
import type { PluginRemark } from "../../src/host/members.ts";
import { scheduleOf } from "../../src/host/schedule.ts";
import { TimerDuty } from "../../src/pool/timer_duty.ts";
import type { PluginDeclaration, ToHost } from "../../src/ring/messages.ts";
import { streamRequest, valueOf } from "../support/requests.ts";
import { type PluginOverrides, TestServer } from "../support/test_server.ts";

/** Plugin `t` whose timer tells in the log when it begins and ends; it takes `ms` of the config, or fails. */
const TICKS = (marker = "") => `
// ${"$"}{marker}
let runs = 0;
export default {
  name: "t", concurrency: 4,
  timers: [{ name: "tick", every: "20ms", run: async (context) => {
    context.stats.count("ticks");
    context.log.info("begins", { marker: "${marker}", shown: context.worker });
    await new Promise((resolve) => setTimeout(resolve, context.config.ms ?? 1));
    if (++runs === context.config.last) self.close();
    context.log.info("ends", { marker: "${marker}", shown: context.worker });
  } }],
  commands: {
    1001: { name: "worker", run: (context) => context.worker },
    1003: { name: "sleep", run: () => new Promise((resolve) => setTimeout(resolve, 300)) },
  },
};`;

function start(source: string, overrides: Partial<PluginOverrides> = {}): Promise<TestServer> {
  return TestServer.start({ plugins: [{ name: "t", source, ...overrides }] });
}

function logged(server: TestServer, ...messages: string[]): JsonObject[] {
  const told = server.log.filter((line) => messages.some((message) => line.includes(message)));
  return told.map((line): JsonObject => JSON.parse(line)).filter(({ message }) =>
    messages.includes(String(message))
  );
}

/** Nobody began before the one before had ended. */
function assertNeverTwoAtOnce(server: TestServer): void {
  let running: JsonObject | null = null;
  for (const line of logged(server, "begins", "ends")) {
    if (line["message"] === "ends") running = null;
    else {
      assertEquals(
        running,
        null,
        `${JSON.stringify(running)} had not ended when ${JSON.stringify(line)} began`,
      );
      running = line;
    }
  }
}

for (const isolation of ["worker", "process"] as const) {
  Deno.test(`one worker runs the timers, one run after the other, also while operations run (${isolation})`, async () => {
    await using server = await start(TICKS(), { workers: 2, isolation });
    using connection = await server.connect();
    await connection.send(streamRequest({ plugin: "t", command: 1003 }));
    await server.until("it has run often", () => logged(server, "ends").length >= 10);
    assertEquals((await connection.reply()).code, 1000);
    assertEquals(new Set(logged(server, "begins").map(({ shown }) => shown)).size, 1);
    assertNeverTwoAtOnce(server);
    await server.until("it is counted", () => (server.plugin("t").counters["ticks"] ?? 0) >= 10);
  });

  Deno.test(`another worker takes the timers over from one that dies (${isolation})`, async () => {
    await using server = await start(TICKS(), {
      workers: 2,
      timeout: 300,
      grace: 100,
      isolation,
      config: { last: 5 },
    });
    await server.until("it runs", () => logged(server, "ends").length > 1);
    const [{ shown }] = logged(server, "begins") as [JsonObject];
    await server.until(
      "another one runs them",
      () => logged(server, "ends").some((line) => line["shown"] !== shown),
    );
  });
}

Deno.test("the successor of a recycled or reloaded worker begins when the timers of the one before have ended", async () => {
  const config = { ms: 50 };
  await using server = await start(TICKS("first"), { recycleAfter: 2, config });
  using connection = await server.connect();
  for (let n = 0; n < 12 || server.plugin("t").recycled < 2; n++) {
    await connection.send(streamRequest({ plugin: "t" }));
    await connection.reply();
  }
  const before = logged(server, "begins").length;
  await server.until("they go on", () => logged(server, "begins").length > before + 3);
  await server.reload({ plugins: [{ name: "t", source: TICKS("second"), workers: 2, config }] });
  const ofSecond = () => logged(server, "begins").filter(({ marker }) => marker === "second");
  await server.until("the new code runs them", () => ofSecond().length > 3);
  assertEquals(new Set(ofSecond().map(({ shown }) => shown)).size, 1);
  await server.reload({ plugins: [{ name: "t", source: TICKS("third"), config }] });
  const ofThird = () => logged(server, "begins").filter(({ marker }) => marker === "third");
  await server.until("the newest code runs them", () => ofThird().length > 3);
  const markers = logged(server, "begins").map(({ marker }) => marker);
  assert(markers.lastIndexOf("first") < markers.indexOf("second"));
  assert(markers.lastIndexOf("second") < markers.indexOf("third"));
  assertNeverTwoAtOnce(server);
});

Deno.test("a run that fails, or takes longer than the time-out, is logged with the timer's name; others go on", async () => {
  const source = `export default { name: "t", commands: {}, timers: [
    { name: "failing", every: 10, run: () => { throw new Error("no table"); } },
    { name: "slow", every: 10, run: () => new Promise((resolve) => setTimeout(resolve, 400)) },
    { name: "steady", every: 10, run: (context) => context.stats.count("steady") },
  ] };`;
  await using server = await start(source, { timeout: 100 });
  await server.until("they have run", () => (server.plugin("t").counters["steady"] ?? 0) > 20);
  const [failed] = logged(server, "a timer failed") as [JsonObject];
  assertEquals([failed["plugin"], failed["timer"]], ["t", "failing"]);
  assertStringIncludes(String(failed["error"]), "no table");
  await server.until(
    "the slow one was told of",
    () => logged(server, /* once a run */ "a timer runs longer than the plugin's time-out").length > 0,
  );
  assertEquals(logged(server, "a timer runs longer than the plugin's time-out")[0]!["timer"], "slow");
});

Deno.test("a timer calls other plugins and its own; a paused plugin's timers go on", async () => {
  const source = `export default { name: "t", timers: [
    { name: "asks", every: "50ms", run: async (context) => {
      const answer = await context.call("t", 1001, { n: 1 });
      await context.enqueue("t", 1001, { n: 2 });
      context.log.info("asked", { answer });
    } },
    { name: "counts", every: "10ms", run: (context) => context.stats.count("counts") },
  ], commands: { 1001: { name: "answer", run: ({ params, stats }) => { stats.count("n" + params.int("n")); return "here"; } } } };`;
  await using server = await start(source, {});
  await server.until("it was answered", () => (server.plugin("t").counters["n1"] ?? 0) > 1);
  assertEquals(logged(server, "asked")[0]!["answer"], "here");
  await server.until("what it enqueued ran", () => (server.plugin("t").counters["n2"] ?? 0) > 1);
  const key = new TextEncoder().encode("t");
  const plugin = server.server.registry.find(key, 0, key.length)!;
  plugin.pause();
  const { counts = 0 } = server.plugin("t").counters;
  await server.until("the timers go on", () => (server.plugin("t").counters["counts"] ?? 0) > counts + 5);
  plugin.resume();
});

Deno.test("at the stop no run begins any more, and the one that runs is told and waited for", async () => {
  const source =
    `export default { name: "t", commands: {}, timers: [{ name: "long", every: "10ms", run: async (context) => {
    context.log.info("begins");
    await new Promise((resolve) => context.signal.addEventListener("abort", resolve));
    await new Promise((resolve) => setTimeout(resolve, 200));
    context.log.info("ends", { reason: context.signal.reason.message });
  } }], stop: (context) => context.log.info("the last") };`;
  const server = await start(source);
  try {
    await server.until("it runs", () => logged(server, "begins").length === 1);
  } finally {
    await server[Symbol.asyncDispose]();
  }
  assertEquals(logged(server, "begins", "ends", "the last").map(({ message }) => message), [
    "begins",
    "ends",
    "the last",
  ]);
  assertEquals(logged(server, "ends")[0]!["reason"], "the worker is stopping");
});

Deno.test("the timers of a plugin that blocks its thread run all the same", async () => {
  const source =
    `export default { name: "t", sync: true, timers: [{ name: "tick", every: "10ms", run: (context) => context.stats.count("ticks") }],
    commands: { 1001: { name: "c", run: () => "yes" } } };`;
  await using server = await start(source);
  using connection = await server.connect();
  await connection.send(streamRequest({ plugin: "t" }));
  assertEquals(valueOf(await connection.reply()), "yes");
  await server.until("they have run", () => (server.plugin("t").counters["ticks"] ?? 0) > 3);
});

Deno.test("timers that make no sense keep the plugin from loading, with the reason", async () => {
  const many = Array.from({ length: 101 }, (_, n) => ({ name: `n${n}`, every: 10, run() {} }));
  for (
    const [timers, sentence] of [
      [{}, "no list"],
      [[null], "timer 0 is no object"],
      [[{ every: "1s", run() {} }], "timer 0 needs a `name`"],
      [[{ name: "a", every: "1s" }], 'timer "a" needs a `run` function'],
      [[{ name: "a", run() {} }], "needs either `every` or `cron`"],
      [[{ name: "a", every: "1s", cron: "* * * * *", run() {} }], "needs either `every` or `cron`"],
      [[{ name: "a", every: "5ms", run() {} }], "at least 10 ms"],
      [[{ name: "a", every: "soon", run() {} }], "at least 10 ms"],
      [[{ name: "a", every: "1s", timeZone: "UTC", run() {} }], "`timeZone`, which is for `cron` alone"],
      [[{ name: "a", cron: "* * * *", run() {} }], "five fields"],
      [[{ name: "a", cron: "2030-01-01T00:00:00", run() {} }], "five fields"],
      [[{ name: "a", cron: "61 * * * *", run() {} }], "cannot be read"],
      [[{ name: "a", cron: "0 0 31 2 *", run() {} }], "never comes"],
      [[{ name: "a", cron: "0 0 * * *", timeZone: "Europe/Atlantis", run() {} }], "Europe/Atlantis"],
      [[{ name: "a", every: 10, run() {} }, { name: "a", every: 20, run() {} }], "two timers"],
      [many, "101 `timers`"],
    ] satisfies [unknown, string][]
  ) {
    const [{ message }] = timerProblems(timers) as [PluginRemark];
    assertStringIncludes(message, sentence);
  }
  const error = await assertRejects(
    () => start(`export default { name: "t", commands: {}, timers: {} };`),
    Error,
  );
  assertStringIncludes(error.message, "no list");
});

Deno.test("the declaration shows the timers and when they run", async () => {
  const source = `export default { name: "t", commands: {}, timers: [
    { name: "sweep", every: "1h", run() {} }, { name: "report", cron: "0 3 * * 1", timeZone: "Europe/Berlin", run() {} },
    { name: "beat", cron: "*/5 * * * * *", run() {} }, { name: "ms", every: 50, run() {} } ] };`;
  await using server = await start(source);
  const key = new TextEncoder().encode("t");
  assertEquals(server.server.registry.find(key, 0, key.length)!.pool.declaration!.timers, [
    { name: "sweep", schedule: "every 1h" },
    { name: "report", schedule: "cron 0 3 * * 1 Europe/Berlin" },
    { name: "beat", schedule: "cron */5 * * * * * UTC" },
    { name: "ms", schedule: "every 50ms" },
  ]);
});

Deno.test("cron times are those of the time zone, and run by the second where it has six fields", async () => {
  const now = Date.now();
  for (
    const [cron, timeZone] of [["30 2 * * *", "UTC"], ["30 2 * * *", "Asia/Kolkata"], [
      "30 2 * * *",
      "America/New_York",
    ]] as const
  ) {
    const schedule = scheduleOf({ cron, timeZone });
    schedule.next();
    // What has passed since is some milliseconds; the half minute is for a busy machine.
    const at = new Date(Math.round((Date.now() + schedule.left()) / 60_000) * 60_000);
    assert(at.getTime() > now - 60_000 && at.getTime() < now + 25 * 3_600_000);
    const shown = at.toLocaleTimeString("en-GB", { timeZone, hour: "2-digit", minute: "2-digit" });
    assertEquals(shown, "02:30");
  }
  assertThrows(() => scheduleOf({}), TypeError);
  const source =
    `export default { name: "t", commands: {}, timers: [{ name: "s", cron: "* * * * * *", run: (context) => context.log.info("ticks", { at: Date.now() }) }] };`;
  await using server = await start(source);
  await server.until("it has run twice", () => logged(server, "ticks").length === 2);
});

Deno.test("nobody else is on duty before the one that was has said so, or is gone", () => {
  const timers = [{ name: "a", schedule: "every 1s" }];
  const declaration: PluginDeclaration = {
    biz: 1,
    description: "",
    concurrency: 1,
    commands: [],
    timers,
    example: null,
    isStanding: true,
  };
  const worker = (name: string) => ({
    state: "running" as "running" | "starting" | "retiring" | "gone",
    declaration,
    post: (message: ToHost) =>
      void told.push(`${name} ${message.kind === "timers" ? message.run : message.kind}`),
  });
  let told: string[] = [];
  const tell = () => told.splice(0);
  const [a, b, c] = [worker("a"), worker("b"), worker("c")];
  let workers = [a, b];
  const duty = new TimerDuty(() => workers);
  a.state = "starting";
  b.state = "starting";
  duty.look();
  assertEquals(tell(), []);
  b.state = "running";
  duty.look();
  a.state = "running";
  duty.look();
  duty.ended(b);
  assertEquals(tell(), ["b true"]);
  b.state = "retiring";
  duty.look();
  duty.look();
  assertEquals(tell(), ["b false"]);
  duty.ended(a);
  assertEquals(tell(), []);
  duty.ended(b);
  assertEquals(tell(), ["a true"]);
  // Another shift takes over, and the worker dies before it has said anything.
  workers = [c];
  duty.look();
  assertEquals(tell(), ["a false"]);
  a.state = "gone";
  duty.look();
  assertEquals(tell(), ["c true"]);
  duty.end();
  assertEquals(tell(), []);
  duty.look();
  assertEquals(tell(), ["c false"]);
  c.state = "gone";
  workers = [b];
  b.state = "running";
  duty.look();
  assertEquals(tell(), []);
  told = [];
});
