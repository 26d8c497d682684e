/**
 * Measures what mevent must stand: a million queued, a stuck and flooded neighbour, a long backlog, ten thousand idle
 * connections, datagrams. Prints Markdown.
 *
 *     ./denow run -A bench/scenarios.ts --loadgen FOLDER
 *
 * @module
 */
import {
  BenchFlags,
  type BenchOptions,
  isAskedFor,
  readBenchOptions,
  writeReport,
} from "./support/options.ts";
import { describeMachine } from "./support/machine.ts";
import { markdownTable } from "./support/markdown_table.ts";
import { median } from "./support/median.ts";
import { type Figure, figureText, type Scenario } from "./scenarios/scenario.ts";
import { backlogScenario } from "./scenarios/backlog.ts";
import { connectionsScenario } from "./scenarios/connections.ts";
import { intakeScenario } from "./scenarios/intake.ts";
import { millionScenario } from "./scenarios/million.ts";
import { neighbourScenario } from "./scenarios/neighbour.ts";
import { udpScenario } from "./scenarios/udp.ts";

const SCENARIOS: readonly Scenario[] = [
  millionScenario,
  intakeScenario,
  neighbourScenario,
  backlogScenario,
  connectionsScenario,
  udpScenario,
];

/** A figure with its value in each round; `value` is their median. */
interface Measured extends Figure {
  readonly rounds: readonly number[];
}

const options = await readBenchOptions(new BenchFlags(SCENARIOS.map(({ name }) => name)));
const machine = describeMachine();
const measured: { scenario: Scenario; figures: Measured[] }[] = [];
for (const scenario of SCENARIOS.filter(({ name }) => isAskedFor(options, name))) {
  measured.push({ scenario, figures: await measure(scenario, options) });
}
await writeReport(options, options.json ? json() : markdown());

async function measure(
  scenario: Scenario,
  { mevent, loadgen, seconds, rounds }: BenchOptions,
): Promise<Measured[]> {
  const all: Figure[] = [];
  for (let round = 0; round < rounds; round++) {
    console.error(`round ${round + 1}  ${scenario.name}`);
    const figures = await scenario.measure({ mevent, loadgen, seconds, round });
    for (const figure of figures) console.error(`  ${figure.what}: ${figureText(figure)}`);
    all.push(...figures);
  }
  return [...Map.groupBy(all, ({ what }) => what).values()].flatMap((figures) => {
    const [first] = figures;
    const values = figures.map(({ value }) => value);
    return first === undefined ? [] : [{ ...first, value: median(values), rounds: values }];
  });
}

function markdown(): string {
  const command = ["./denow run -A bench/scenarios.ts", ...Deno.args].join(" ");
  const head =
    `\`${command}\` on ${machine}. Medians of ${options.rounds} rounds, loads of ${options.seconds} s, ` +
    "100-byte bodies (HDF), a new server each round.";
  const tables = measured.map(({ scenario: { title }, figures }) =>
    `### ${title}\n\n` + markdownTable(
      ["", "median", "rounds", "wanted"],
      figures.map((figure) => [
        figure.what,
        figureText(figure),
        figure.rounds.map((value) => figureText({ ...figure, value })).join("; "),
        figure.wanted ?? "",
      ]),
    )
  );
  return [head, ...tables].join("\n\n");
}

function json(): string {
  const scenarios = measured.map(({ scenario: { name, title }, figures }) => ({ name, title, figures }));
  return JSON.stringify({ machine, seconds: options.seconds, rounds: options.rounds, scenarios }, null, 2);
}
