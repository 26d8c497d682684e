import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import type { AlertFigures, PluginFigures } from "../../src/alerts/alert_figures.ts";
import { type AlertMessage, messageBody } from "../../src/alerts/alert_message.ts";
import type { AlertReceiver, AlertRule } from "../../src/alerts/alert_rule.ts";
import { Alerts } from "../../src/alerts/alerts.ts";
import { CountsInWindow } from "../../src/alerts/counts_in_window.ts";
import { DeliveryQueue, MAX_AGE_MS, MAX_WAITING } from "../../src/alerts/delivery_queue.ts";
import { SendError } from "../../src/alerts/send_error.ts";
import { testLog } from "../support/test_log.ts";
import { until } from "../support/until.ts";

const PLUGIN: PluginFigures = {
  name: "orders",
  ops: 0,
  maxOps: 100,
  bytes: 0,
  maxBytes: 1000,
  oldest: 0,
  done: 0,
  failed: 0,
  restarts: 0,
  busy: 0,
  journalProblem: null,
  down: null,
};
const RULE: AlertRule = {
  name: "rule",
  kind: "queue",
  threshold: 0.8,
  plugin: null,
  window: 60_000,
  minOps: 10,
  for: 0,
  clear: 0,
  repeat: 0,
  to: [],
};
const RECEIVER: AlertReceiver = {
  kind: "webhook",
  name: "ops",
  url: "https://hooks.example/secret",
  format: "json",
  headers: {},
  timeout: 1000,
};

/** Alerts by a clock and figures that a test sets; what is sent is kept. */
class Stage {
  now = 0;
  plugins: PluginFigures[] = [PLUGIN];
  left: number | null = null;
  readonly sent: { to: string; message: AlertMessage }[] = [];
  /** What the next attempts come to; then all are well. */
  readonly problems: SendError[] = [];
  readonly waits: number[] = [];
  readonly log: string[] = [];
  readonly alerts: Alerts;

  constructor() {
    this.alerts = new Alerts({
      log: testLog("debug", (line) => this.log.push(line)),
      now: () => this.now,
      clock: () => 1_000_000 + this.now,
      server: "host1",
      figures: (): AlertFigures => ({
        plugins: this.plugins,
        certificates: () => [{ listener: "tcp 127.0.0.1:1", expires_in_seconds: this.left }],
      }),
      send: ({ name }, message) => {
        const problem = this.problems.shift();
        if (problem !== undefined) return Promise.reject(problem);
        this.sent.push({ to: name, message });
        return Promise.resolve();
      },
      wait: (ms) => {
        this.waits.push(ms);
        return Promise.resolve();
      },
    });
  }

  set(figures: Partial<PluginFigures>): void {
    this.plugins = [{ ...PLUGIN, ...figures }];
  }

  look(after = 1000): void {
    this.now += after;
    this.alerts.look();
  }

  /** What was sent, once all is. */
  async told(): Promise<string[]> {
    await until("all is sent", () => this.alerts.list().receivers.every(({ waiting }) => waiting === 0));
    return this.sent.map(({ to, message: { event, alert, subject } }) =>
      `${to}: ${event} ${alert} ${subject}`
    );
  }
}

Deno.test("each kind of rule holds from its threshold on, and says what it has found", () => {
  const stage = new Stage();
  /** What a rule says before and after. */
  const found = (rule: Partial<AlertRule>, before: Partial<PluginFigures>, after: Partial<PluginFigures>) => {
    stage.alerts.take({ alerts: [], receivers: [] });
    stage.look();
    stage.alerts.take({ alerts: [{ ...RULE, ...rule }], receivers: [] });
    return [before, after].map((figures) => {
      stage.set(figures);
      stage.look();
      const [row] = stage.alerts.list().rules;
      return [row!.state, row!.message];
    });
  };
  assertEquals(found({}, { ops: 79 }, { ops: 80 }), [
    ["ok", "its queue is 79% full: 79 operations of 100"],
    ["firing", "its queue is 80% full: 80 operations of 100"],
  ]);
  assertEquals(found({}, { ops: 70 }, { ops: 1, bytes: 900 })[1], [
    "firing",
    "its queue is 90% full: 900 of 1000 bytes",
  ]);
  const failures = { kind: "failures", threshold: 0.1 } as const;
  assertEquals(found(failures, { done: 5, failed: 5 }, { done: 14, failed: 6 }), [
    ["ok", "0 of 0 operations in 1m failed: 0%"],
    ["firing", "1 of 10 operations in 1m failed: 10%"],
  ]);
  assertEquals(found(failures, {}, { failed: 9 })[1], ["ok", "9 of 9 operations in 1m failed: 100%"]);
  const crashes = { kind: "crashes", threshold: 3 } as const;
  assertEquals(found(crashes, { restarts: 7 }, { restarts: 10 })[1], [
    "firing",
    "3 workers in 1m crashed or hung",
  ]);
  const busy = { kind: "busy", threshold: 1 } as const;
  assertEquals(found(busy, { busy: 7 }, { busy: 8 }), [
    ["ok", "0 operations in 1m were refused as BUSY"],
    ["firing", "1 operation in 1m was refused as BUSY"],
  ]);
  const oldest = { kind: "oldest", threshold: 60_000 } as const;
  assertEquals(found(oldest, { oldest: 59_999 }, { oldest: 200_000 })[1], [
    "firing",
    "its oldest operation waits for 3.3m",
  ]);
  assertEquals(found({ kind: "journal", threshold: 1 }, {}, { journalProblem: "the disk is full" }), [
    ["ok", "its journal takes operations"],
    ["firing", "its journal takes no operations: the disk is full"],
  ]);
  assertEquals(found({ kind: "down", threshold: 1 }, {}, { down: "it dies" })[1], [
    "firing",
    "no worker of it can work: it dies",
  ]);
  stage.left = 86_400 * 15;
  const certificate = { kind: "certificate", threshold: 86_400_000 * 14 } as const;
  assertEquals(found(certificate, {}, {})[1], ["ok", "its certificate ends in 15d"]);
  stage.left = 86_400 * 14;
  assertEquals(found(certificate, {}, {})[1], ["firing", "its certificate ends in 14d"]);
  stage.left = -3600;
  assertEquals(found(certificate, {}, {})[1], ["firing", "its certificate has ended 1h ago"]);
  stage.left = null;
  assertEquals(found(certificate, {}, {})[1], ["ok", "its certificate does not tell when it ends"]);
});

Deno.test("what has grown within a window is what a list of all samples says, to a sixtieth of it", () => {
  const steps = fc.array(fc.tuple(fc.integer({ min: 1, max: 3000 }), fc.nat(5)), {
    minLength: 1,
    maxLength: 200,
  });
  fc.assert(fc.property(steps, (given) => {
    const counts = new CountsInWindow();
    const events: { time: number; by: number }[] = [];
    let [now, total] = [0, 0];
    counts.look([0], now, 60_000);
    for (const [after, by] of given) {
      now += after;
      total += by;
      events.push({ time: now, by });
      const [grown = 0] = counts.look([total], now, 60_000);
      const within = (ms: number) =>
        events.filter(({ time }) => time > now - ms).reduce((sum, each) => sum + each.by, 0);
      assert(grown >= within(60_000) && grown <= within(60_000 + 4000), `${grown} of ${within(60_000)}`);
    }
  }));
});

Deno.test("a plugin that was added again counts anew", () => {
  const counts = new CountsInWindow();
  counts.look([100, 7], 0, 60_000);
  assertEquals(counts.look([110, 7], 1000, 60_000), [10, 0]);
  assertEquals(counts.look([2, 1], 2000, 60_000), [2, 1]);
  assertEquals(counts.look([4, 1], 3000, 60_000), [4, 1]);
});

Deno.test("an alert tells its receivers once that it fires and once that it is over; each plugin has its own", async () => {
  const stage = new Stage();
  const rules = [{ ...RULE, for: 5000, clear: 5000 }, { ...RULE, name: "one", plugin: "b", to: ["other"] }];
  stage.alerts.take({ alerts: rules, receivers: [RECEIVER, { ...RECEIVER, name: "other" }] });
  stage.plugins = [{ ...PLUGIN, name: "a", ops: 90 }, { ...PLUGIN, name: "b", ops: 90 }];
  for (let i = 0; i < 10; i++) stage.look();
  const fired = ["firing rule a", "firing rule b"].flatMap((what) => [`ops: ${what}`, `other: ${what}`]);
  assertEquals((await stage.told()).sort(), [...fired, "other: firing one b"].sort());
  const { message } = stage.sent.find(({ message: { alert } }) => alert === "rule")!;
  assertEquals({ ...message, id: "" }, {
    id: "",
    event: "firing",
    alert: "rule",
    kind: "queue",
    subject: "a",
    value: 0.9,
    message: "its queue is 90% full: 90 operations of 100",
    condition: "the queue is 80% full or more, for 5s",
    server: "host1",
    since_at: 1_001_000,
    at: 1_006_000,
  });
  stage.sent.length = 0;
  stage.plugins = [{ ...PLUGIN, name: "a" }, { ...PLUGIN, name: "b" }];
  for (let i = 0; i < 10; i++) stage.look();
  assertEquals((await stage.told()).length, 5);
  assert(stage.sent.every(({ message }) => message.event === "resolved" && message.since_at === 1_001_000));
});

Deno.test("a reload fires nothing again; what is watched no more is resolved", async () => {
  const stage = new Stage();
  stage.alerts.take({ alerts: [RULE], receivers: [RECEIVER] });
  stage.set({ ops: 90 });
  stage.look();
  // Another threshold, another receiver's timeout: the alert is the same.
  stage.alerts.take({ alerts: [{ ...RULE, threshold: 0.85 }], receivers: [{ ...RECEIVER, timeout: 5 }] });
  stage.look();
  stage.look();
  assertEquals(await stage.told(), ["ops: firing rule orders"]);
  assertEquals(stage.alerts.list().rules.map(({ state }) => state), ["firing"]);
  stage.alerts.take({ alerts: [{ ...RULE, kind: "oldest", threshold: 1000 }], receivers: [RECEIVER] });
  stage.look();
  stage.look();
  assertEquals(await stage.told(), ["ops: firing rule orders", "ops: resolved rule orders"]);
  assertStringIncludes(stage.sent[1]!.message.message, "watched no more");
  stage.set({ oldest: 2000 });
  stage.look();
  stage.plugins = [];
  stage.look();
  assertEquals((await stage.told()).slice(2), ["ops: firing rule orders", "ops: resolved rule orders"]);
});

Deno.test("a load that flaps at random sends firing and resolved by turns, each message once", async () => {
  const loads = fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 30 })), { maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(loads, fc.array(fc.boolean(), { maxLength: 30 }), async (runs, fails) => {
      const stage = new Stage();
      stage.alerts.take({ alerts: [{ ...RULE, for: 5000, clear: 9000 }], receivers: [RECEIVER] });
      stage.problems.push(...fails.filter((each) => each).map(() => new SendError("not now", true)));
      for (const [isFull, looks] of runs) {
        stage.set({ ops: isFull ? 100 : 0 });
        for (let i = 0; i < looks; i++) stage.look();
      }
      await stage.told();
      const events = stage.sent.map(({ message }) => message.event);
      assertEquals(events, events.map((_, at) => at % 2 === 0 ? "firing" : "resolved"));
      assertEquals(new Set(stage.sent.map(({ message }) => message.id)).size, events.length);
    }),
    { numRuns: 50 },
  );
});

Deno.test("a message that fails is tried again after longer and longer, in order, and given up where that is of no use", async () => {
  const stage = new Stage();
  stage.alerts.take({ alerts: [RULE], receivers: [RECEIVER] });
  stage.problems.push(...Array.from({ length: 8 }, () => new SendError("not now", true)));
  stage.problems.push(new SendError("wait", true, 90_000));
  stage.set({ ops: 90 });
  stage.look();
  stage.set({});
  stage.look();
  assertEquals(await stage.told(), ["ops: firing rule orders", "ops: resolved rule orders"]);
  assertEquals(stage.waits, [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 90_000]);
  assertEquals(stage.alerts.list().rules[0]!.problem, null);
  stage.problems.push(new SendError("gone for good", false));
  stage.set({ ops: 90 });
  stage.look();
  await stage.told();
  const { rules: [row], receivers: [receiver] } = stage.alerts.list();
  assertEquals([row!.problem, receiver!.problem, receiver!.dropped, receiver!.sent], [
    "ops: gone for good",
    "gone for good",
    1,
    2,
  ]);
  assert(!stage.log.some((line) => line.includes("secret")), "the log tells a secret");
});

Deno.test("messages that wait are bounded in number and age; a stop gives them up after its grace", async () => {
  const stage = new Stage();
  const held = Promise.withResolvers<void>();
  const lines: string[] = [];
  const queue = new DeliveryQueue(RECEIVER, {
    log: testLog("debug", (line) => lines.push(line)),
    clock: () => stage.now,
    send: (_, __, signal) =>
      new Promise((resolve, reject) => {
        held.promise.then(resolve);
        signal.addEventListener("abort", () => reject(signal.reason));
      }),
    wait: () => Promise.resolve(),
  });
  const outcomes: (string | null)[] = [];
  const message = (id: string): AlertMessage => ({
    id,
    event: "firing",
    alert: "rule",
    kind: "queue",
    subject: "a",
    value: 1,
    message: "m",
    condition: "c",
    server: "s",
    since_at: 0,
    at: 0,
  });
  for (let i = 0; i < MAX_WAITING + 5; i++) {
    queue.push(message(String(i)), (_, problem) => outcomes.push(problem));
  }
  assertEquals([queue.waiting, queue.dropped], [MAX_WAITING, 5]);
  await queue.close(1);
  assertEquals([queue.waiting, queue.dropped, queue.sent], [0, MAX_WAITING + 5, 0]);
  assertEquals(outcomes.filter((each) => each === "the server stops").length, MAX_WAITING);

  const old = new DeliveryQueue(RECEIVER, {
    log: testLog(),
    clock: () => stage.now,
    send: () => Promise.reject(new SendError("not now", true)),
    wait: (ms) => {
      stage.now += ms;
      return Promise.resolve();
    },
  });
  stage.now = 0;
  old.push(message("old"), () => {});
  await until("it is given up", () => old.waiting === 0);
  assert(stage.now >= MAX_AGE_MS && stage.now < MAX_AGE_MS + 120_000);
  assertEquals(old.dropped, 1);
});

Deno.test("Slack gets a text in which nothing of a name is taken for its own signs", () => {
  const text: string = JSON.parse(messageBody({
    id: "1",
    event: "resolved",
    alert: "a <!channel>",
    kind: "queue",
    subject: "b&c",
    value: 1,
    message: "x > y",
    condition: "c",
    server: "s",
    since_at: 0,
    at: 0,
  }, "slack")).text;
  assertEquals(text, "\u{1f7e2} resolved: *b&amp;c*: x &gt; y\na &lt;!channel&gt;, on s: c");
});
