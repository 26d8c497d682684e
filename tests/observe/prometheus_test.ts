import { assert, assertEquals, assertMatch } from "@std/assert";
import { prometheusText } from "../../src/observe/prometheus.ts";
import type { ServerStats } from "../../src/observe/server_stats.ts";
import { mevent } from "../support/mevent.ts";
import { streamRequest } from "../support/requests.ts";
import { TestServer } from "../support/test_server.ts";

const SOURCE = `export default { name: "shop", commands: { 1001: { name: "sell", run({ stats }) {
  stats.count("sold", 3);
  stats.gauge('the "till"', 0.5);
} } } };`;
/** name, labels and value, as the format has them. */
const SAMPLE =
  /^([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)+)\})? (-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/;

Deno.test("the figures of a server and of its plugins are metrics in Prometheus's format, the plugin's own too", async () => {
  await using server = await TestServer.start({ plugins: [{ name: "shop", source: SOURCE }] });
  using connection = await server.connect();
  await connection.send(streamRequest({ plugin: "shop", command: 1001, params: {} }));
  await connection.reply();
  await server.until("its figures are there", () => server.plugin("shop").counters["sold"] === 3);
  const { code, stdout } = await mevent(["stats", "--unix", server.unix, "--prometheus"]);
  assertEquals(code, 0);
  const types = new Map<string, string>();
  const names = new Set<string>();
  const samples = new Set<string>();
  for (const line of stdout.trimEnd().split("\n")) {
    const [, typed, type] = /^# TYPE (\S+) (counter|gauge)$/.exec(line) ?? [];
    if (typed !== undefined) {
      assert(!types.has(typed), `${typed} is told once`);
      types.set(typed, type!);
    } else if (!line.startsWith("# HELP ")) {
      const [, name] = SAMPLE.exec(line) ?? [];
      assert(name !== undefined, line);
      assertEquals(types.get(name), name.endsWith("_total") ? "counter" : "gauge", line);
      const sample = line.slice(0, line.lastIndexOf(" "));
      assert(!samples.has(sample), `${sample} is there once`);
      samples.add(sample);
      names.add(name);
    }
  }
  assertEquals([...types.keys()].filter((name) => !names.has(name)), []);
  for (
    const line of [
      'mevent_plugin_done_total{plugin="shop"} 1',
      'mevent_plugin_counter_total{plugin="shop",name="sold"} 3',
      'mevent_plugin_gauge{plugin="shop",name="the \\"till\\""} 0.5',
      "mevent_running 1",
    ]
  ) assert(stdout.includes(`\n${line}\n`), `${line} in ${stdout}`);
});

Deno.test("metrics go neither with JSON nor with a watch, and each figure of a plugin is among them", async () => {
  for (const flag of ["--json", "--watch"]) {
    const { code, stderr } = await mevent(["stats", "--prometheus", flag]);
    assertEquals(code, 64);
    assertMatch(stderr, /--prometheus goes neither with --json nor with --watch/);
  }
  await using server = await TestServer.start({ plugins: [{ name: "shop", source: SOURCE }] });
  const stats: ServerStats = server.server.stats();
  const text = prometheusText(stats);
  const figures = Object.entries(stats.plugins[0]!).filter(([, value]) => typeof value === "number");
  const missing = figures.filter(([key]) =>
    key !== "biz" && !new RegExp(`mevent_plugin_${key.replace(/_ms$/, "_seconds")}(_total)?\\{`).test(text)
  );
  assertEquals(missing, []);
});
