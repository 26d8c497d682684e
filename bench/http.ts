/**
 * Measures JSON over HTTP: requests over 50 connections beside what Deno.serve does with nothing behind it, batches of lines, and
 * the wire protocol with an HTTP listener beside it and without. Needs wrk and curl; prints Markdown.
 *
 *     ./denow task compile
 *     ./denow task bench-http --loadgen LOADGEN
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { BatchLoad } from "./http/batch_load.ts";
import { Crowd } from "./http/crowd.ts";
import { wrk, type WrkResult } from "./http/wrk.ts";
import { Loadgen } from "./loadgen.ts";
import { benchArgs, refuse } from "./support/args.ts";
import { ChildProcess, onceReady } from "./support/child_process.ts";
import { findProgram } from "./support/find_program.ts";
import { freePort } from "./support/free_port.ts";
import { markdownTable } from "./support/markdown_table.ts";
import { median } from "./support/median.ts";
import { memoryOf } from "./support/memory_of.ts";
import { MeventServer } from "./support/mevent_server.ts";

const USAGE = `Usage: ./denow task bench-http [options]
  --mevent FILE     mevent's executable (dist/mevent)
  --loadgen PATH    loadgen, or its folder; without it ($LOADGEN) the wire is not measured
  --only A,B        requests, batch, wire, crowd; without it all of them
  --seconds S       how long one measurement takes (3)
  --rounds N        how often each is taken; the median counts (3)
  --lines N         lines of a batch (500000)
  --idle N          connections of the crowd (10000); both processes need that many descriptors and some: ulimit -n
`;
const WIRE = { sync: "roundtrip", enqueue: "enqueue" } as const;

const args = benchArgs(USAGE, ["mevent", "loadgen", "only", "seconds", "rounds", "lines", "idle"]);
const program = args.text("mevent") ?? "dist/mevent";
const seconds = args.number("seconds", 3);
const rounds = args.number("rounds", 3);
const lines = args.number("lines", 500_000);
const idle = args.number("idle", 10_000);
const only = args.text("only")?.split(",") ?? ["requests", "batch", "wire", "crowd"];
const loadgenPath = args.text("loadgen") ?? Deno.env.get("LOADGEN");
const needed = (name: string) => findProgram(name) ?? refuse(USAGE, `${name} is not installed`);
const wrkProgram = needed("wrk");
const curl = needed("curl");

const figure = (value: number) => Math.round(value).toLocaleString("en");
const middle = (of: readonly number[]) => median(of);

const withHttp = async () => {
  const port = freePort();
  return { port, server: await MeventServer.start(program, "", `http = "127.0.0.1:${port}"\n`) };
};

async function measureRequests(): Promise<void> {
  const helloPort = freePort();
  const hello = fileURLToPath(new URL("http/hello.ts", import.meta.url));
  const child = new ChildProcess(Deno.execPath(), ["run", "--allow-net", hello, String(helloPort)]);
  await using _ = await onceReady(child, child.says("listens"));
  const { port, server } = await withHttp();
  await using _server = server;
  const url = `http://127.0.0.1:${port}/v1/echo/1001`;
  const kinds: [name: string, url: string, posts: boolean][] = [
    ["Deno.serve, hello-world", `http://127.0.0.1:${helloPort}/`, false],
    ["sync echo", url, true],
    ["async, with the operation's id", `${url}?async`, true],
  ];
  const results = kinds.map((): WrkResult[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [at, [, target, posts]] of kinds.entries()) {
      await wrk(wrkProgram, target, 1, posts);
      results[at]!.push(await wrk(wrkProgram, target, seconds, posts));
    }
  }
  const floor = results[0]!;
  const rows = kinds.map(([name], at) => {
    const own = results[at]!;
    const ratio = middle(own.map(({ perSecond }, round) => perSecond / floor[round]!.perSecond));
    return [
      name,
      `${figure(middle(own.map(({ perSecond }) => perSecond)))}/s`,
      `${ratio.toFixed(2)} x`,
      `${middle(own.map(({ p50 }) => p50)).toFixed(2)} ms`,
      `${middle(own.map(({ p99 }) => p99)).toFixed(2)} ms`,
    ];
  });
  console.log(markdownTable(["50 connections", "rate", "of Deno.serve", "p50", "p99"], rows));
}

async function measureBatches(): Promise<void> {
  const rows: string[][] = [];
  for (const isAsync of [false, true]) {
    await using load = await BatchLoad.write(curl, lines, isAsync);
    for (const batches of [1, 2]) {
      const { port, server } = await withHttp();
      await using _ = server;
      await load.run(port, batches);
      const rates: number[] = [];
      for (let round = 0; round < rounds; round++) rates.push(await load.run(port, batches));
      rows.push([isAsync ? "async" : "sync echo", String(batches), `${figure(middle(rates))}/s`]);
    }
  }
  console.log(markdownTable(["batch of lines", "at once", "operations"], rows));
}

async function measureWire(loadgen: Loadgen): Promise<void> {
  await using without = await MeventServer.start(program);
  const { port, server } = await withHttp();
  await using _ = server;
  // It is not only there: it has been used.
  await wrk(wrkProgram, `http://127.0.0.1:${port}/v1/echo/1001`, 1, true);
  const rows: string[][] = [];
  for (const [name, mode] of Object.entries(WIRE)) {
    const options = ["--mode", mode, "--proto", "mevent", "--plugin", "echo", "--cmd", "1002"];
    const run = async (of: MeventServer) =>
      (await loadgen.run({ port: of.port, connections: 50, depth: 16, seconds, warmupSeconds: 0.5, options }))
        .ops_per_s;
    const rates: { readonly off: number; readonly on: number }[] = [];
    for (let round = 0; round < rounds; round++) {
      rates.push({ off: await run(without), on: await run(server) });
    }
    const ratio = middle(rates.map(({ off, on }) => on / off));
    rows.push([
      `${name}, 50 x 16`,
      `${figure(middle(rates.map(({ off }) => off)))}/s`,
      `${figure(middle(rates.map(({ on }) => on)))}/s`,
      `${ratio.toFixed(2)} x`,
    ]);
  }
  console.log(markdownTable(["the wire", "without HTTP", "with it", "ratio"], rows));
}

/** Connections that are idle, or do not end what they have begun, and uploads that are refused or given up. */
async function measureCrowd(): Promise<void> {
  const { port, server } = await withHttp();
  await using _ = server;
  const url = `http://127.0.0.1:${port}/v1/echo/1001`;
  const ask = () => wrk(wrkProgram, url, seconds, true);
  await ask();
  const before: WrkResult[] = [];
  for (let round = 0; round < rounds; round++) before.push(await ask());
  const small = memoryOf(server.pid).resident;
  const beside: WrkResult[] = [];
  using crowd = new Crowd(port);
  await crowd.dial(idle);
  const each = (memoryOf(server.pid).resident - small) / idle;
  const misbehaving = crowd.misbehave(5);
  for (let round = 0; round < rounds; round++) beside.push(await ask());
  crowd.rest();
  const uploads = await misbehaving;
  crowd[Symbol.dispose]();
  const after = await ask();
  const row = (name: string, results: readonly WrkResult[]) => [
    name,
    `${figure(middle(results.map(({ perSecond }) => perSecond)))}/s`,
    `${middle(results.map(({ p50 }) => p50)).toFixed(2)} ms`,
    `${middle(results.map(({ p99 }) => p99)).toFixed(2)} ms`,
  ];
  const rows = [
    row("alone", before),
    row(`beside ${figure(idle)} connections, and ${uploads} uploads that were cut or too long`, beside),
    row("when they have gone", [after]),
  ];
  console.log(markdownTable(["sync echo, 50 connections", "rate", "p50", "p99"], rows));
  const rest = (memoryOf(server.pid).resident - small) / 2 ** 20;
  console.log(
    `A connection of the crowd takes ${figure(each)} bytes; of all, ${
      figure(rest)
    } MiB are left to be collected.`,
  );
}

if (only.includes("crowd")) await measureCrowd();
if (only.includes("requests")) await measureRequests();
if (only.includes("batch")) await measureBatches();
if (only.includes("wire") && loadgenPath !== undefined) await measureWire(await Loadgen.find(loadgenPath));
