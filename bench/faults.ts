/**
 * Lets plugins and clients fail in every way on a loaded server, and looks after each round whether every accepted
 * operation is accounted for, and whether the callers of another plugin have noticed. Exit code 1 where something is lost.
 *
 *     ./denow task faults --rounds 1000
 *
 * @module
 */
import { loadLibc } from "../src/net/libc.ts";
import { Histogram } from "../src/observe/histogram.ts";
import { SURROUNDINGS } from "./faults/faulty_server.ts";
import { type FaultTimes, Generation, type GenerationResult } from "./faults/generation.ts";
import { Random } from "./fuzz/random.ts";
import { benchArgs, refuse } from "./support/args.ts";
import { markdownTable } from "./support/markdown_table.ts";

const USAGE = `Usage: ./denow task faults [options]
  --rounds N      rounds, each with a fault (1000)
  --servers N     servers that they are spread over (8); a quarter has a full disk, an unread log, few descriptors each
  --seed S        repeats the faults of that seed; chosen and printed where none is given
  --mevent FILE   an executable instead of the source
  --ratio R       the undisturbed callers' p99 may grow so many times (2); 0: no matter
`;
const FLAGS = ["rounds", "servers", "seed", "ratio", "mevent"] as const;

const args = benchArgs(USAGE, FLAGS);
const rounds = args.number("rounds", 1000);
const servers = args.number("servers", 8);
const seed = args.number("seed", crypto.getRandomValues(new Uint32Array(1))[0]!);
const ratio = args.number("ratio", 2);
const mevent = args.text("mevent");

const library = loadLibc();
if (library === null) refuse(USAGE, "fault injection needs Linux");
console.log(`seed ${seed}`);
const results: GenerationResult[] = [];
const rows: string[][] = [];
for (let index = 0; index < servers; index++) {
  const surroundings = SURROUNDINGS[index % SURROUNDINGS.length]!;
  const generation = new Generation(mevent, library.symbols, new Random(seed, index));
  const result = await generation.run(Math.ceil(rounds / servers), surroundings);
  results.push(result);
  rows.push(row(surroundings, result));
  console.error(rows.at(-1)!.join("  "));
  if (result.failure !== undefined) break;
}
library.close();

const calm = new Histogram();
const disturbed = new Histogram();
const faults = new Map<string, FaultTimes>();
for (const result of results) {
  calm.add(result.calm);
  for (const [name, { rounds, times }] of result.faults) {
    const all = faults.get(name) ?? { rounds: 0, times: new Histogram() };
    all.rounds += rounds;
    all.times.add(times);
    faults.set(name, all);
    disturbed.add(times);
  }
}
const grown = disturbed.quantile(0.99) / Math.max(1, calm.quantile(0.99));
const HEAD = [
  "surroundings",
  "rounds",
  "accepted",
  "workers replaced",
  "descriptors",
  "p99 undisturbed",
  "p99 beside faults",
];
console.log(markdownTable(HEAD, rows));
console.log(
  markdownTable(
    ["fault", "rounds", "p99 of another plugin"],
    [...faults].map(([name, { rounds, times }]) => [name, String(rounds), milliseconds(times)]),
  ),
);
console.log(
  `${results.reduce((sum, { rounds }) => sum + rounds, 0)} rounds; p99 of another plugin ` +
    `${milliseconds(calm)} undisturbed, ${milliseconds(disturbed)} beside the faults: ${
      grown.toFixed(2)
    } times`,
);
const failure = results.find(({ failure }) => failure !== undefined)?.failure ??
  (ratio > 0 && grown > ratio ? `the p99 of another plugin grew more than ${ratio} times` : undefined);
if (failure !== undefined) {
  console.log(`FAILED: ${failure}`);
  Deno.exitCode = 1;
}

function row(surroundings: string, result: GenerationResult): string[] {
  const { rounds, accepted, restarts, descriptorsBefore, descriptorsAfter, calm, faults } = result;
  const disturbed = new Histogram();
  for (const { times } of faults.values()) disturbed.add(times);
  return [
    surroundings,
    String(rounds),
    String(accepted),
    String(restarts),
    `${descriptorsBefore} -> ${descriptorsAfter}`,
    milliseconds(calm),
    milliseconds(disturbed),
  ];
}

function milliseconds(times: Histogram): string {
  return `${(times.quantile(0.99) / 1000).toFixed(2)} ms`;
}
