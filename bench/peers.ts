/**
 * Measures mevent beside the systems that people would use instead, and beside builds before: the same client does the same
 * work with each, in the same run, one after the other, several rounds. Prints Markdown.
 *
 *     ./denow run -A bench/peers.ts --loadgen FOLDER --against BUILD/BEFORE/mevent
 *
 * @module
 */
import { isAskedFor, writeReport } from "./support/options.ts";
import { describeMachine } from "./support/machine.ts";
import { findProgram } from "./support/find_program.ts";
import { besideBunqueueMarkdown, BUNQUEUE, measureBesideBunqueue } from "./peers/beside_bunqueue.ts";
import { contestantsOf } from "./peers/contestants.ts";
import { PEER_DAEMONS } from "./peers/daemons.ts";
import { IDLE_PLUGINS, idleMarkdown, idleName, measureIdle } from "./peers/idle.ts";
import { measure, WARMUP_SECONDS } from "./peers/measure.ts";
import { type PeerOptions, readPeerOptions } from "./peers/options.ts";
import type { PeerResult } from "./peers/peer_result.ts";
import {
  beforeMarkdown,
  overviewMarkdown,
  peerMarkdown,
  type PeerMeasurement,
  peerRows,
} from "./peers/report.ts";
import { PEER_WORKS, type PeerWork, workName } from "./peers/works.ts";

const options = await readPeerOptions([
  ...PEER_WORKS.map(workName),
  ...IDLE_PLUGINS.map(idleName),
  BUNQUEUE,
]);
const machine = describeMachine();
const missing = Object.entries(PEER_DAEMONS).filter(([, { program }]) => findProgram(program) === null)
  .map(([name, { debian }]) => `${name} (Debian's package ${debian})`);
if (missing.length > 0) console.error(`Not installed, so left out: ${missing.join(", ")}`);

const works = PEER_WORKS.filter((work) => isAskedFor(options, workName(work)));
const rows = peerRows(await measureAll(options, works));
const plugins = IDLE_PLUGINS.filter((number) => isAskedFor(options, idleName(number)));
const idle = await measureIdle(options.builds, plugins, options.rounds);
const bunqueue = isAskedFor(options, BUNQUEUE) ? await measureBesideBunqueue(options) : undefined;

const [now, ...before] = options.builds.map(({ name }) => name);
await writeReport(
  options,
  options.json ? JSON.stringify({ machine, missing, ...timesOf(options), rows, idle, bunqueue }, null, 2) : [
    head(options),
    ...works.length === 0 ? [] : [
      overviewMarkdown(works, rows),
      ...before.map((name) => beforeMarkdown(works, rows, [now!, name])),
    ],
    ...plugins.length === 0 ? [] : [idleMarkdown(idle)],
    ...bunqueue === undefined ? [] : [besideBunqueueMarkdown(bunqueue)],
    ...works.length === 0 ? [] : [peerMarkdown(works, rows)],
  ].map((section) => section.trimEnd()).join("\n\n"),
);

function timesOf({ seconds, sustainedSeconds, rounds }: PeerOptions) {
  return { seconds, sustainedSeconds, rounds };
}

function head({ seconds, sustainedSeconds, rounds }: PeerOptions): string {
  const command = ["./denow run -A bench/peers.ts", ...Deno.args].join(" ");
  return [
    `\`${command}\` on ${machine}. Medians of ${rounds} rounds of ${seconds} s each after ${WARMUP_SECONDS} s ` +
    `(${sustainedSeconds} s where a full queue is worked off), systems taking turns, each started anew for each ` +
    "measurement, 100-byte payloads, memory only. Ratios are the medians of the rounds' ratios.",
    ...missing.length === 0 ? [] : [`Left out, not installed: ${missing.join(", ")}.`],
  ].join("\n");
}

async function measureAll(options: PeerOptions, works: readonly PeerWork[]): Promise<PeerMeasurement[]> {
  const measurements = works.flatMap((work) =>
    contestantsOf(work.kind, options.builds).map((contestant) => ({
      work,
      contestant,
      results: [] as PeerResult[],
    }))
  );
  for (let round = 1; round <= options.rounds; round++) {
    // Every other round backwards: none always comes after the same neighbour.
    const order = round % 2 === 1 ? measurements : measurements.toReversed();
    for (const { work, contestant, results } of order) {
      const result = await measure(options, work, contestant);
      if (result === null) continue;
      results.push(result);
      console.error(
        `round ${round}  ${workName(work)}  ${contestant.name}: ${Math.round(result.ops_per_s)}/s, ` +
          `${result.cpuMicroseconds.toFixed(2)} µs of the server's CPU for one`,
      );
    }
  }
  return measurements.filter(({ results }) => results.length > 0)
    .map(({ work, contestant, results }) => ({ work, contestant: contestant.name, results }));
}
