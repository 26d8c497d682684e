import { assert, assertEquals, assertMatch } from "@std/assert";
import { LatencyHistogram, LatencyTotal } from "../../src/observe/latency_histogram.ts";
import { prometheusText } from "../../src/observe/prometheus.ts";
import type { HistogramStats, PluginStats, ServerStats } from "../../src/observe/server_stats.ts";
import { mevent } from "../support/mevent.ts";
import { streamRequest } from "../support/requests.ts";
import { pluginStats, serverStats } from "../support/stats_samples.ts";
import { TestServer } from "../support/test_server.ts";

const SOURCE = `export default { name: "shop", commands: { 1001: { name: "sell", run({ stats }) {
  stats.count("sold", 3);
  stats.gauge('the "till"', 0.5);
} } } };`;
/** name, labels and value, as the format has them. */
const SAMPLE =
  /^([a-z_]+[a-z0-9_]*)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)+)\})? (-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/;

interface Found {
  readonly type: string;
  readonly labels: string[];
  /** Labels and value of each sample, by its name. */
  readonly samples: Map<string, Map<string, number>>;
}

/** The metrics of a text; throws where it is not as the format has it, or tells something twice. */
function metricsOf(text: string): Map<string, Found> {
  assert(text.endsWith("\n"));
  const metrics = new Map<string, Found>();
  const helps = new Set<string>();
  let name = "";
  for (const line of text.trimEnd().split("\n")) {
    const [, helped] = /^# HELP (\S+) \S/.exec(line) ?? [];
    const [, typed, type] = /^# TYPE (\S+) (counter|gauge|histogram)$/.exec(line) ?? [];
    if (helped !== undefined) {
      assert(!helps.has(helped), `HELP of ${helped} twice`);
      helps.add(name = helped);
    } else if (typed !== undefined) {
      assert(typed === name && !metrics.has(typed), line);
      assertEquals(typed.endsWith("_total"), type === "counter", line);
      metrics.set(typed, { type: type!, labels: [], samples: new Map() });
    } else {
      const [, sample, labels = "", value] = SAMPLE.exec(line) ?? [];
      const metric = metrics.get(name);
      assert(sample !== undefined && metric !== undefined, line);
      const suffix = sample.slice(name.length);
      assert(sample.startsWith(name), `${line} under ${name}`);
      assert(metric.type === "histogram" ? /^_(bucket|sum|count)$/.test(suffix) : suffix === "", line);
      const of = metric.samples.get(sample) ?? new Map<string, number>();
      metric.samples.set(sample, of);
      assert(!of.has(labels), `${line}: told twice`);
      of.set(labels, Number(value));
      const names = [...labels.matchAll(/([a-z_]+)="(?:[^"\\]|\\.)*"/g)].map(([, label]) => label!);
      assertEquals(new Set(names).size, names.length, line);
      for (const label of names) {
        if (label !== "le" && !metric.labels.includes(label)) metric.labels.push(label);
      }
    }
  }
  assertEquals([...metrics].filter(([, { samples }]) => samples.size === 0), []);
  return metrics;
}

function histogramOf(values: readonly number[]): HistogramStats {
  const histogram = new LatencyHistogram();
  for (const value of values) histogram.record(value, 0);
  const total = new LatencyTotal();
  histogram.addTo(total);
  return total.classic;
}

/** One that has all that there can be. */
function fullStats(names: { plugin: string; command: string; own: string }): ServerStats {
  const latency = { p50: 1500, p99: 2_000_000 };
  const times = {
    wait_us: latency,
    run_us: latency,
    wait_us_last_minute: latency,
    run_us_last_minute: latency,
    wait_histogram: histogramOf([50, 100, 101, 3_000_000_000]),
    run_histogram: histogramOf([]),
  };
  const plugin: PluginStats = pluginStats({
    name: names.plugin,
    accepted: 5,
    busy: 2,
    unknown: 3,
    bad_options: 4,
    ...times,
    commands: [
      { number: 1001, name: names.command, done: 1, failed: 2, refused: 1, ...times },
      { number: null, name: "", done: 7, failed: 0, refused: 0, ...times },
    ],
    counters: { [names.own]: 3 },
    gauges: { [names.own]: 0.5 },
    journal: {
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
      commit_us_last_minute: latency,
      commit_histogram: histogramOf([1000]),
      refused: 0,
    },
  });
  const stats = serverStats([plugin]);
  stats.errors.unknown = 10;
  stats.limits["rights"] = 6;
  stats.http_responses = { "200": 9 };
  stats.forwards = [{ to: "tcp a:1", names: ["x"], connected: true, in_flight: 0, forwarded: 1, failed: 2 }];
  stats.tls.certificates = [{ listener: "tcp :1", expires: null, expires_in_seconds: 60 }];
  return stats;
}

Deno.test("each metric is told once, with its type, in base units, and no sample twice", () => {
  const metrics = metricsOf(prometheusText(fullStats({ plugin: "shop", command: "sell", own: "sold" })));
  for (const [name, { type, samples }] of metrics) {
    assert(!/_(ms|us|millis|micros|milliseconds|kb|kib|mb|percent)(_|$)/.test(name), `${name}: a base unit`);
    assert(!/_(bucket|sum|count|info)$/.test(name) || name === "mevent_build_info", name);
    if (type === "histogram") assert(name.endsWith("_seconds"), name);
    assert(samples.size > 0);
  }
  const intake = metrics.get("mevent_intake_total")!.samples.get("mevent_intake_total")!;
  assertEquals(Object.fromEntries(intake), {
    'plugin="",result="refused",code="13"': 6,
    'plugin="",result="refused",code="15"': 0,
    'plugin="",result="refused",code="17"': 0,
    'plugin="",result="refused",code="18"': 7,
    'plugin="",result="refused",code="21"': 0,
    'plugin="shop",result="accepted",code="1000"': 5,
    'plugin="shop",result="busy",code="21"': 2,
    'plugin="shop",result="refused",code="18"': 3,
    'plugin="shop",result="refused",code="23"': 4,
  });
});

Deno.test("a histogram's buckets count up to all of its values, whose sum is in seconds", () => {
  const { samples } = metricsOf(prometheusText(fullStats({ plugin: "shop", command: "sell", own: "sold" })))
    .get("mevent_command_wait_seconds")!;
  const of = 'plugin="shop",command="1001",name="sell"';
  const buckets = [...samples.get("mevent_command_wait_seconds_bucket")!].filter(([key]) =>
    key.startsWith(of)
  );
  const bounds = buckets.map(([key]) => /le="(.*)"$/.exec(key)![1]!);
  assertEquals(bounds.at(-1), "+Inf");
  const numbers = bounds.slice(0, -1).map(Number);
  assertEquals(numbers, numbers.toSorted((a, b) => a - b));
  const counts = buckets.map(([, count]) => count);
  assertEquals(counts, counts.toSorted((a, b) => a - b));
  assertEquals([counts[0], counts[1], counts.at(-2), counts.at(-1)], [2, 3, 3, 4]);
  assertEquals(samples.get("mevent_command_wait_seconds_count")!.get(of), 4);
  assertEquals(samples.get("mevent_command_wait_seconds_sum")!.get(of), 3000.000251);
  assertEquals([...samples.get("mevent_command_wait_seconds_count")!.keys()].length, 2);
});

Deno.test("names with quotes, backslashes and ends of lines are labels that read back as they are", () => {
  const odd = 'a "b" \\n\\ c\nd}{,=';
  const metrics = metricsOf(prometheusText(fullStats({ plugin: odd, command: odd, own: odd })));
  for (
    const [name, label] of [
      ["mevent_plugin_done_total", "plugin"],
      ["mevent_command_done_total", "name"],
      ["mevent_plugin_own_level", "name"],
    ] as const
  ) {
    const [labels] = metrics.get(name)!.samples.get(name)!.keys();
    const [, text] = new RegExp(`(?:^|,)${label}="((?:[^"\\\\]|\\\\.)*)"`).exec(labels!)!;
    assertEquals(text!.replace(/\\(.)/g, (_, char) => char === "n" ? "\n" : char), odd);
  }
});

Deno.test("docs/metrics.md lists each metric that a server tells, with its type, labels and meaning, and no other", async () => {
  const text = await Deno.readTextFile(new URL("../../docs/metrics.md", import.meta.url));
  const listed = [...text.matchAll(/^\| `(mevent_\w+)` \| (\w+) \| (.*?) \| (.+) \|$/gm)].map(([, ...row]) =>
    row
  );
  const full = prometheusText(fullStats({ plugin: "shop", command: "sell", own: "sold" }));
  const metrics = metricsOf(full);
  const told = [...metrics].map(([name, { type, labels }]) => [
    name,
    type,
    labels.map((label) => `\`${label}\``).join(", "),
    new RegExp(`^# HELP ${name} (.*)$`, "m").exec(full)![1],
  ]);
  assertEquals(listed, told);
});

Deno.test("promtool finds nothing to say of the metrics of a server that works", {
  ignore: !hasCommand("promtool"),
}, async () => {
  const data = await Deno.makeTempDir();
  try {
    await using server = await TestServer.start({
      server: { data },
      plugins: [{ name: "shop", source: SOURCE, durability: "journal" }],
    });
    using connection = await server.connect();
    await connection.send(streamRequest({ plugin: "shop", command: 1001, params: {} }));
    await connection.reply();
    await server.until("its figures are there", () => server.plugin("shop").counters["sold"] === 3);
    const { code, stdout } = await mevent(["stats", "--unix", server.unix, "--prometheus"]);
    assertEquals(code, 0);
    metricsOf(stdout);
    for (
      const line of [
        'mevent_plugin_done_total{plugin="shop"} 1',
        'mevent_command_run_seconds_count{plugin="shop",command="1001",name="sell"} 1',
        'mevent_plugin_own_total{plugin="shop",name="sold"} 3',
        'mevent_plugin_own_level{plugin="shop",name="the \\"till\\""} 0.5',
        "mevent_running 1",
      ]
    ) assert(stdout.includes(`\n${line}\n`), `${line} in ${stdout}`);
    const all = prometheusText(fullStats({ plugin: 'a "b"', command: "x\ny", own: "z" }));
    for (const text of [stdout, all]) assertEquals(await promtool(text), { code: 0, said: "" });
  } finally {
    await Deno.remove(data, { recursive: true });
  }
});

Deno.test("metrics go neither with JSON nor with a watch, and each figure of a plugin is among them", async () => {
  for (const flag of ["--json", "--watch"]) {
    const { code, stderr } = await mevent(["stats", "--prometheus", flag]);
    assertEquals(code, 64);
    assertMatch(stderr, /--prometheus goes neither with --json nor with --watch/);
  }
  const text = prometheusText(serverStats([pluginStats({})]));
  const atTheDoor = ["accepted", "busy", "unknown", "bad_options"];
  const figures = Object.entries(pluginStats({})).filter(([, value]) => typeof value === "number");
  const missing = figures.filter(([key]) =>
    key !== "biz" && !atTheDoor.includes(key) &&
    !new RegExp(`mevent_plugin_${key.replace(/_ms$/, "_seconds")}(_total)?\\{`).test(text)
  );
  assertEquals(missing, []);
});

function hasCommand(name: string): boolean {
  try {
    return new Deno.Command(name, { args: ["--version"], stdout: "null", stderr: "null" }).outputSync()
      .success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function promtool(text: string): Promise<{ code: number; said: string }> {
  const child = new Deno.Command("promtool", {
    args: ["check", "metrics"],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return { code, said: decoder.decode(stdout) + decoder.decode(stderr) };
}
