import { assert, assertEquals } from "@std/assert";
import type { PluginStats, ServerStats } from "../../src/observe/server_stats.ts";
import { FINDING_KINDS, MAX_FINDINGS, type Recent } from "../../src/observe/finding.ts";
import { verdictOf } from "../../src/observe/verdict.ts";
import { adviceText, findingText, verdictText } from "../../src/observe/verdict_text.ts";
import { TEXTS } from "../../src/dashboard/texts.ts";
import { pluginStats, serverStats } from "../support/stats_samples.ts";

/** 14:02:30 */
const NOW = Date.UTC(2026, 0, 1, 14, 2, 30);
const clock = (at: number) => new Date(at).toISOString().slice(11, 16);
const JOURNAL: NonNullable<PluginStats["journal"]> = {
  problem: null,
  cleanup_problem: null,
  failures: 0,
  unsynced: 0,
  unsynced_bytes: 0,
  spilled: 0,
  files: 1,
  disk_bytes: 1,
  live_bytes: 1,
  max_disk: 1,
  disk_level: "normal",
  free_bytes: 1,
  commits: 1,
  commits_per_second: 1,
  commit_us_last_minute: { p50: 0, p99: 0 },
  commit_histogram: { counts: [], sum_us: 0 },
  refused: 0,
};

/** Five minutes by ten seconds, the last of it as given; the newest last. */
function recent(done: number[], failed: number[], full_in_ms: number | null = null): Recent {
  const filled = (values: number[]) => [...Array<number>(30 - values.length).fill(0), ...values];
  return {
    step_ms: 10_000,
    end_at: NOW,
    done_per_second: filled(done),
    failed_per_second: filled(failed),
    full_in_ms,
  };
}

interface Row {
  readonly what: string;
  readonly plugin?: Partial<PluginStats>;
  readonly server?: Partial<ServerStats>;
  readonly recent?: Recent;
  readonly state: "well" | "warn" | "bad";
  /** The sentence. */
  readonly says: string;
  /** Of findings, notes included. */
  readonly kinds?: string[];
}

const ROWS: Row[] = [
  { what: "a server with nothing to do", state: "well", says: "All well", kinds: [] },
  {
    what: "operations that are done",
    plugin: { done: 1e6, queued: 40, in_flight: 4, oldest_wait_ms: 59_000 },
    recent: recent(Array(30).fill(100), []),
    state: "well",
    says: "All well",
  },
  {
    what: "failures of the last minute, and since when",
    recent: recent(Array(12).fill(88), Array(6).fill(12)),
    state: "bad",
    says: "orders fails 12% since 14:01",
  },
  {
    what: "failures that began before all that is known",
    recent: recent(Array(30).fill(95), Array(30).fill(5)),
    state: "warn",
    says: "orders fails 5%",
  },
  {
    what: "a pause in failures that is shorter than a minute",
    recent: recent(Array(12).fill(9), [1, 0, 0, 0, 0, 0, 1, 1]),
    state: "warn",
    says: "orders fails 3.6% since 14:01",
  },
  {
    what: "failures that a minute without any has ended",
    recent: recent(Array(30).fill(9), [9, 9, 0, 0, 0, 0, 0, 0]),
    state: "well",
    says: "All well",
  },
  { what: "one failure of few operations", recent: recent([0], [0.1]), state: "well", says: "All well" },
  {
    what: "what waits for long",
    plugin: { queued: 5, oldest_wait_ms: 185_000 },
    state: "warn",
    says: "the oldest operation of orders waits 3 min",
  },
  {
    what: "what waits for very long, and fails",
    plugin: { queued: 5, oldest_wait_ms: 900_000 },
    recent: recent(Array(6).fill(88), Array(6).fill(12)),
    state: "bad",
    says: "orders fails 12% since 14:01; the oldest operation of orders waits 15 min",
  },
  {
    what: "what waits while it is paused",
    plugin: { queued: 1, oldest_wait_ms: 900_000, paused: true },
    state: "warn",
    says: "orders is paused, and 1 operation waits",
  },
  {
    what: "an idle plugin that is paused, with dead letters",
    plugin: { paused: true, dead: 3 },
    state: "well",
    says: "All well",
    kinds: ["paused_empty", "dead"],
  },
  {
    what: "a full queue",
    plugin: { queued: 100, queue_level: "full" },
    recent: recent([], [], 0),
    state: "bad",
    says: "orders is full and answers BUSY",
  },
  {
    what: "a queue that will be full",
    plugin: { queued: 30 },
    recent: recent([], [], 200_000),
    state: "warn",
    says: "orders is full in 3 min at the present rates",
  },
  {
    what: "one that is nearly empty and grows, and one that fills slowly",
    plugin: { queued: 3 },
    recent: recent([], [], 200_000),
    state: "well",
    says: "All well",
  },
  {
    what: "a queue that is rather full",
    plugin: { queued: 85, queue_level: "warning" },
    recent: recent([], [], 6_000_000),
    state: "warn",
    says: "the queue of orders is 85% full",
  },
  {
    what: "one that is full by its bytes",
    plugin: { queued: 2, queue_bytes: 900, queue_level: "warning" },
    state: "warn",
    says: "the queue of orders is 88% full",
  },
  {
    what: "no worker",
    plugin: { down: "it throws as it starts", workers_running: 0 },
    state: "bad",
    says: "orders has no worker that works",
  },
  {
    what: "work, and nobody there to do it",
    plugin: { queued: 7, workers_running: 0, oldest_wait_ms: 2500 },
    state: "bad",
    says: "orders has no worker that works",
  },
  {
    what: "work that a first worker is started for",
    plugin: { queued: 7, workers_running: 0, oldest_wait_ms: 200 },
    state: "well",
    says: "All well",
  },
  {
    what: "a worker that is not well, beside others",
    plugin: { workers_running: 3, unhealthy_workers: 1 },
    state: "warn",
    says: "1 worker of orders is not well",
  },
  {
    what: "a thread that spins",
    plugin: { leaked_threads: 1, moved: true },
    state: "warn",
    says: "orders was found spinning",
  },
  {
    what: "a journal that takes nothing",
    plugin: { journal: { ...JOURNAL, problem: "the disk is full", cleanup_problem: "so" } },
    state: "bad",
    says: "the journal of orders takes no operations",
    kinds: ["journal"],
  },
  {
    what: "one whose old files stay",
    plugin: { journal: { ...JOURNAL, cleanup_problem: "an old file is damaged" } },
    state: "warn",
    says: "old files of the journal of orders cannot be removed",
  },
  {
    what: "a server that stops",
    server: { state: "draining" },
    state: "warn",
    says: "the server is stopping",
  },
  { what: "one that starts", server: { state: "starting" }, state: "warn", says: "the server is starting" },
  {
    what: "full memory, then a rather full disk",
    server: { queue_level: "full", disk_level: "warning" },
    state: "bad",
    says: "the memory for all queues is nearly full; the disk for all journals is nearly full",
  },
  {
    what: "a certificate about to end",
    server: {
      tls: {
        open: 0,
        handshakes: 0,
        failed: 0,
        certificates: [
          { listener: "tcp :1", expires: null, expires_in_seconds: 3 * 86_400 },
          { listener: "tcp :2", expires: null, expires_in_seconds: 30 * 86_400 },
        ],
      },
    },
    state: "warn",
    says: "the certificate of tcp :1 ends in 3 days",
  },
  {
    what: "another server that cannot be reached",
    server: {
      forwards: [{
        to: "tcp b:1",
        names: ["x", "y"],
        connected: false,
        in_flight: 0,
        forwarded: 0,
        failed: 1,
      }],
    },
    state: "bad",
    says: "tcp b:1 cannot be reached",
  },
  {
    what: "a main thread that was held up",
    server: {
      loop: {
        delay_us_last_minute: { p50: 1, p99: 2, max: 800_000 },
        delay_histogram: { counts: [], sum_us: 0 },
      },
    },
    state: "warn",
    says: "the main thread was held up for 800 ms within the last minute",
  },
];

Deno.test("a verdict is one sentence of what is worst", async (t) => {
  const seen = new Set<string>();
  for (const { what, plugin = {}, server = {}, recent, state, says, kinds } of ROWS) {
    await t.step(what, () => {
      const stats = { ...serverStats([pluginStats(plugin)]), ...server };
      const verdict = verdictOf(stats, () => recent ?? null);
      assertEquals([verdict.state, verdictText(verdict, clock)], [state, says]);
      if (kinds !== undefined) assertEquals(verdict.findings.map(({ kind }) => kind), kinds);
      for (const finding of verdict.findings) {
        seen.add(finding.kind);
        for (const text of [findingText(finding, clock), adviceText(finding, clock)]) {
          assert(text !== "" && !/[{}]/.test(text), text);
        }
      }
    });
  }
  assertEquals(FINDING_KINDS.filter((kind) => !seen.has(kind)), [], "each kind has a row");
});

Deno.test("what is bad comes before what may become so, the server's before the plugins'", () => {
  const stats = {
    ...serverStats([
      pluginStats({ name: "a", dead: 1, queue_level: "warning", queued: 80 }),
      pluginStats({ name: "b", queue_level: "full" }),
    ]),
    state: "draining",
  };
  const { findings } = verdictOf(stats, () => null);
  assertEquals(findings.map(({ kind, plugin }) => [kind, plugin]), [
    ["full", "b"],
    ["stopping", null],
    ["fills", "a"],
    ["dead", "a"],
  ]);
  const verdict = verdictOf(stats, () => null);
  assertEquals(
    verdictText(verdict, clock),
    "b is full and answers BUSY; the server is stopping; and 1 more",
  );
});

Deno.test("findings are bounded, and the further ones counted", () => {
  const plugins = Array.from({ length: 80 }, (_, n) => pluginStats({ name: `p${n}`, queue_level: "full" }));
  const { findings, more } = verdictOf(serverStats(plugins), () => null);
  assertEquals([findings.length, more], [MAX_FINDINGS, 80 - MAX_FINDINGS]);
});

Deno.test("the page has a sentence and an advice for each kind", () => {
  for (const kind of FINDING_KINDS) {
    for (const key of [`finding.${kind}`, `advice.${kind}`]) assert(key in TEXTS, key);
  }
});
