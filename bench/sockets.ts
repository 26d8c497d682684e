/**
 * Measures the ways to serve many sockets from TypeScript, each as a bare loop that answers frames and does nothing else:
 * Deno's own sockets on one thread, on two threads with `reusePort`, and epoll through FFI.
 *
 *     ./denow run -A bench/sockets.ts --loadgen FOLDER
 *
 * @module
 */
import { BenchFlags, isAskedFor, readBenchOptions, writeReport } from "./support/options.ts";
import { ChildProcess } from "./support/child_process.ts";
import { freePort } from "./support/free_port.ts";
import { describeMachine } from "./support/machine.ts";
import { markdownTable } from "./support/markdown_table.ts";
import { median } from "./support/median.ts";
import type { LoadResult } from "./loadgen.ts";

const KINDS = {
  deno: "Deno.listen, one thread",
  workers: "Deno.listen, two threads with reusePort",
  epoll: "epoll through FFI, one thread",
} as const;
const LOADS = [[50, 1], [50, 16], [1000, 1]] as const;
const WARMUP_SECONDS = 0.5;

const options = await readBenchOptions(new BenchFlags(Object.keys(KINDS)));
const machine = describeMachine();
const results = new Map<string, LoadResult[]>();
for (let round = 0; round < options.rounds; round++) {
  for (const kind of Object.keys(KINDS).filter((kind) => isAskedFor(options, kind))) {
    for (const [connections, depth] of LOADS) {
      const result = await measure(kind, connections, depth);
      const name = `${kind} ${connections} x ${depth}`;
      results.set(name, [...results.get(name) ?? [], result]);
      console.error(`round ${round + 1}  ${name}: ${Math.round(result.ops_per_s)}/s`);
    }
  }
}
const rows = [...results].map(([name, each]) => {
  const figure = (of: (result: LoadResult) => number) =>
    Math.round(median(each.map(of))).toLocaleString("en");
  return [
    name,
    figure((result) => result.ops_per_s),
    figure((result) => result.p50_us),
    figure((result) => result.p99_us),
    figure((result) => result.max_us),
  ];
});
const command = ["./denow run -A bench/sockets.ts", ...Deno.args].join(" ");
await writeReport(
  options,
  `\`${command}\` on ${machine}. Medians of ${options.rounds} rounds of ${options.seconds} s each.\n\n` +
    markdownTable(["bare loop", "/s", "p50 µs", "p99 µs", "longest µs"], rows),
);

async function measure(kind: string, connections: number, depth: number): Promise<LoadResult> {
  const port = freePort();
  const server = new URL("./sockets/serve.ts", import.meta.url).pathname;
  await using process = new ChildProcess(Deno.execPath(), ["run", "-A", server, kind, String(port)]);
  await process.listens(port);
  return await options.loadgen.run({
    port,
    connections,
    depth,
    seconds: options.seconds,
    warmupSeconds: WARMUP_SECONDS,
    options: ["--proto", "mevent", "--mode", "roundtrip"],
  });
}
