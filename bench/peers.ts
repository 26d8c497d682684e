/**
 * Measures mevent beside the systems that people would use instead, and beside builds before: the same client does the same
 * work with each, in the same run, one after the other, several rounds. Prints Markdown.
 *
 *     ./denow run -A bench/peers.ts --loadgen FOLDER --against BUILD/BEFORE/mevent
 *
 * Durable works write to the temporary folder: TMPDIR says which file system they are to try.
 *
 * @module
 */
import { isAskedFor, writeReport } from "./support/options.ts";
import { microsecondsText } from "./support/figures.ts";
import { describeMachine } from "./support/machine.ts";
import { findProgram } from "./support/find_program.ts";
import { besideBunqueueMarkdown, BUNQUEUE, measureBesideBunqueue } from "./peers/beside_bunqueue.ts";
import { Bunqueue } from "./peers/bunqueue.ts";
import { contestantsOf } from "./peers/contestants.ts";
import { PEER_DAEMONS } from "./peers/daemons.ts";
import { describeDisk, type Disk } from "./peers/disk_floor.ts";
import { IDLE_PLUGINS, idleMarkdown, idleName, measureIdle } from "./peers/idle.ts";
import { measure, WARMUP_SECONDS } from "./peers/measure.ts";
import { hasJournals } from "./peers/journal_config.ts";
import { type Build, type PeerOptions, readPeerOptions } from "./peers/options.ts";
import type { PeerResult } from "./peers/peer_result.ts";
import { measureRecovery, RECOVERY, recoveryMarkdown } from "./peers/recovery.ts";
import {
  beforeMarkdown,
  overviewMarkdown,
  peerMarkdown,
  type PeerMeasurement,
  peerRows,
} from "./peers/report.ts";
import { durableProblem } from "./peers/start.ts";
import { isDurable, PEER_WORKS, type PeerWork, workName } from "./peers/works.ts";

const asked = await readPeerOptions([
  ...PEER_WORKS.map(workName),
  ...IDLE_PLUGINS.map(idleName),
  BUNQUEUE,
  RECOVERY,
]);
const works = PEER_WORKS.filter((work) => isAskedFor(asked, workName(work)));
const isOnDisk = works.some(isDurable);
const machine = describeMachine();
const missing = Object.entries(PEER_DAEMONS).filter(([, { program }]) => findProgram(program) === null)
  .map(([name, { debian }]) => `${name} (Debian's package ${debian})`);
if (isOnDisk) {
  for (const [name, daemon] of Object.entries(PEER_DAEMONS)) {
    if (!("durable" in daemon) || findProgram(daemon.program) === null) continue;
    const problem = await durableProblem(daemon);
    if (problem !== null) missing.push(`${name}, durable: it ${problem}`);
  }
}
const withJournals: Build[] = [];
for (const build of isOnDisk ? asked.builds : []) {
  if (await hasJournals(build.program)) withJournals.push(build);
  else missing.push(`${build.name}, durable: it has no journals`);
}
if (isOnDisk && withJournals[0] !== asked.builds[0]) {
  console.error(`${asked.mevent} has no journals, so there is nothing durable to measure`);
  Deno.exit(64);
}
const wantsBunqueue = isAskedFor(asked, BUNQUEUE) || works.some(({ kind }) => kind === "durable");
const installed = wantsBunqueue ? await Bunqueue.install() : null;
if (typeof installed === "string") missing.push(`${Bunqueue.version}: ${installed}`);
await using bunqueue = typeof installed === "string" ? null : installed;
const options: PeerOptions = { ...asked, bunqueue };
if (missing.length > 0) console.error(`Not installed, so left out: ${missing.join(", ")}`);

const disk = isOnDisk || isAskedFor(options, RECOVERY) ? await describeDisk() : undefined;
const rows = peerRows(await measureAll(options, works));
const plugins = IDLE_PLUGINS.filter((number) => isAskedFor(options, idleName(number)));
const idle = await measureIdle(options.builds, plugins, options.rounds);
const beside = isAskedFor(options, BUNQUEUE) && bunqueue !== null
  ? await measureBesideBunqueue(options, bunqueue)
  : undefined;
const recovery = isAskedFor(options, RECOVERY) ? await measureRecovery(options) : undefined;

const [now, ...before] = options.builds.map(({ name }) => name);
await writeReport(
  options,
  options.json ? JSON.stringify(jsonReport(options), null, 2) : [
    head(options, disk),
    ...works.length === 0 ? [] : [
      overviewMarkdown(works, rows),
      ...before.map((name) => beforeMarkdown(works, rows, [now!, name])),
    ],
    ...plugins.length === 0 ? [] : [idleMarkdown(idle)],
    ...beside === undefined ? [] : [besideBunqueueMarkdown(beside)],
    ...recovery === undefined ? [] : [recoveryMarkdown(recovery)],
    ...works.length === 0 ? [] : [peerMarkdown(works, rows)],
  ].map((section) => section.trimEnd()).join("\n\n"),
);

function jsonReport({ seconds, sustainedSeconds, rounds }: PeerOptions) {
  const times = { seconds, sustainedSeconds, rounds };
  return { machine, disk, missing, ...times, rows, idle, bunqueue: beside, recovery };
}

function head({ seconds, sustainedSeconds, rounds }: PeerOptions, disk: Disk | undefined): string {
  const command = ["./denow run -A bench/peers.ts", ...Deno.args].join(" ");
  return [
    `\`${command}\` on ${machine}. Medians of ${rounds} rounds of ${seconds} s each after ${WARMUP_SECONDS} s ` +
    `(${sustainedSeconds} s where a full queue is worked off), systems taking turns, each started anew for each ` +
    "measurement, 100-byte payloads, in memory alone where nothing else is said. Ratios are the medians of the rounds' ratios.",
    ...disk === undefined ? [] : [
      `Durable works are on ${disk.fileSystem}, where an append of one record and its fdatasync took ` +
      `${microsecondsText(disk.syncMicroseconds)} (p50).`,
    ],
    ...missing.length === 0 ? [] : [`Left out: ${missing.join(", ")}.`],
  ].join("\n");
}

async function measureAll(options: PeerOptions, works: readonly PeerWork[]): Promise<PeerMeasurement[]> {
  const measurements = works.flatMap((work) =>
    contestantsOf(work.kind, isDurable(work) ? withJournals : options.builds).map((contestant) => ({
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
