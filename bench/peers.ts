/**
 * Measures mevent beside the systems that people would use instead: the same client does the same work with each, in
 * the same run, one after the other, several rounds. Prints Markdown.
 *
 *     ./denow run -A bench/peers.ts --loadgen FOLDER
 *
 * @module
 */
import { type BenchOptions, isAskedFor, readBenchOptions, writeReport } from "./support/options.ts";
import { describeMachine } from "./support/machine.ts";
import { findProgram } from "./support/find_program.ts";
import { type Contestant, CONTESTANTS } from "./peers/contestants.ts";
import { PEER_DAEMONS } from "./peers/daemons.ts";
import { peerMarkdown, type PeerMeasurement, peerRows } from "./peers/report.ts";
import { startSystem } from "./peers/start.ts";
import { PEER_WORKS, type PeerWork, workName } from "./peers/works.ts";

/** Uncounted time before each measurement. */
const WARMUP_SECONDS = 0.5;

const options = await readBenchOptions(PEER_WORKS.map(workName));
const machine = describeMachine();
const missing = Object.entries(PEER_DAEMONS).filter(([, { program }]) => findProgram(program) === null)
  .map(([name, { debian }]) => `${name} (Debian's package ${debian})`);
if (missing.length > 0) console.error(`Not installed, so left out: ${missing.join(", ")}`);

const works = PEER_WORKS.filter((work) => isAskedFor(options, workName(work)));
const measurements = await measureAll(options, works);
const rows = peerRows(measurements);
await writeReport(
  options,
  options.json
    ? JSON.stringify({ machine, missing, seconds: options.seconds, rounds: options.rounds, rows }, null, 2)
    : `${head(options)}\n\n${peerMarkdown(works, rows)}`,
);

function head({ seconds, rounds }: BenchOptions): string {
  const command = ["./denow run -A bench/peers.ts", ...Deno.args].join(" ");
  return [
    `\`${command}\` on ${machine}. Medians of ${rounds} rounds of ${seconds} s each after ${WARMUP_SECONDS} s, systems ` +
    "taking turns, each started anew for each measurement, 100-byte payloads, memory only. " +
    "The ratio is the median of the rounds' ratios.",
    ...missing.length === 0 ? [] : [`Left out, not installed: ${missing.join(", ")}.`],
  ].join("\n");
}

async function measureAll(options: BenchOptions, works: readonly PeerWork[]): Promise<PeerMeasurement[]> {
  const measurements = works.flatMap((work) =>
    CONTESTANTS[work.kind].map((contestant) => ({
      work,
      contestant,
      results: [] as PeerMeasurement["results"],
    }))
  );
  for (let round = 1; round <= options.rounds; round++) {
    // Every other round backwards: none always comes after the same neighbour.
    const order = round % 2 === 1 ? measurements : measurements.toReversed();
    for (const { work, contestant, results } of order) {
      const result = await measure(options, work, contestant);
      if (result === null) continue;
      results.push(result);
      console.error(`round ${round}  ${workName(work)}  ${contestant.name}: ${result.ops_per_s}/s`);
    }
  }
  return measurements.filter(({ results }) => results.length > 0)
    .map(({ work, contestant, results }) => ({ work, contestant: contestant.name, results }));
}

async function measure(options: BenchOptions, { connections, depth }: PeerWork, contestant: Contestant) {
  await using system = await startSystem(options, contestant);
  if (system === null) return null;
  return await options.loadgen.run({
    port: system.port,
    connections,
    depth,
    seconds: options.seconds,
    warmupSeconds: WARMUP_SECONDS,
    options: contestant.options,
  });
}
