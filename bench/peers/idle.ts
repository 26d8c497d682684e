import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { ChildProcess, onceReady } from "../support/child_process.ts";
import { cpuOf } from "../support/cpu_of.ts";
import { megabytesText, ratioText } from "../support/figures.ts";
import { freePort } from "../support/free_port.ts";
import { markdownTable } from "../support/markdown_table.ts";
import { median } from "../support/median.ts";
import { READY } from "../support/mevent_server.ts";
import { memoryOf } from "../support/memory_of.ts";
import type { Build } from "./options.ts";

/** How many plugins an idle server has, each a module of its own. */
export const IDLE_PLUGINS = [2, 50] as const;
/** After so long without anything to do it is idle; then it is looked at for as long; in ms. */
const SETTLE_MS = 3000;

/** What a server costs that has nothing to do. */
export interface Idle {
  /** From the start of the program until it says that it serves: it may accept connections before its plugins are there. */
  readonly readyMs: number;
  /** RSS. */
  readonly residentBytes: number;
  /** What it uses of a core. */
  readonly cores: number;
}

/** What one build costs with so many plugins, a result a round. */
export interface IdleMeasurement {
  readonly build: string;
  readonly plugins: number;
  readonly results: readonly Idle[];
}

/** `idle-50` */
export function idleName(plugins: number): string {
  return `idle-${plugins}`;
}

/** Measures each build with each number of plugins, by turns. */
export async function measureIdle(
  builds: readonly Build[],
  numbers: readonly number[],
  rounds: number,
): Promise<IdleMeasurement[]> {
  const measurements = numbers.flatMap((plugins) =>
    builds.map((build) => ({ build, plugins, results: [] as Idle[] }))
  );
  for (let round = 1; round <= rounds; round++) {
    for (const { build, plugins, results } of round % 2 === 1 ? measurements : measurements.toReversed()) {
      const idle = await idleWith(build.program, plugins);
      results.push(idle);
      console.error(
        `round ${round}  ${idleName(plugins)}  ${build.name}: ${Math.round(idle.readyMs)} ms, ` +
          megabytesText(idle.residentBytes),
      );
    }
  }
  return measurements.map(({ build, ...measurement }) => ({ build: build.name, ...measurement }));
}

/** A table with a row for each build and number of plugins. */
export function idleMarkdown(measurements: readonly IdleMeasurement[]): string {
  return "### Idle, plugins of a module each\n\n" + markdownTable(
    ["", "plugins", "ready after", "RSS", "of a core", "the first's ready x", "its RSS x"],
    measurements.map(({ build, plugins, results }) => {
      const reference = measurements.find((other) => other.plugins === plugins);
      const middle = (pick: (idle: Idle) => number) => median(results.map(pick));
      const times = (pick: (idle: Idle) => number) =>
        ratioText(median(results.map((idle, round) => pick(reference!.results[round]!) / pick(idle))));
      return [
        build,
        String(plugins),
        `${Math.round(middle(({ readyMs }) => readyMs))} ms`,
        megabytesText(middle(({ residentBytes }) => residentBytes)),
        `${(100 * middle(({ cores }) => cores)).toFixed(1)}%`,
        times(({ readyMs }) => readyMs),
        times(({ residentBytes }) => residentBytes),
      ];
    }),
  );
}

/** What an executable of mevent's costs with so many plugins. */
export async function idleWith(program: string, plugins: number): Promise<Idle> {
  const folder = await Deno.makeTempDir();
  try {
    const port = freePort();
    const config = join(folder, "idle.toml");
    await Deno.writeTextFile(config, await configIn(folder, plugins));
    const from = performance.now();
    const listen = ["--listen", `127.0.0.1:${port}`, "--no-udp"];
    const server = new ChildProcess(program, ["serve", "--config", config, ...listen]);
    await using running = await onceReady(server, server.says(READY));
    return { readyMs: performance.now() - from, ...await idleAfterwards(running.pid) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** What a process costs that has just started and has nothing to do. */
export async function idleAfterwards(pid: number): Promise<Omit<Idle, "readyMs">> {
  await pause(SETTLE_MS);
  const [before, from] = [cpuOf(pid), performance.now()];
  await pause(SETTLE_MS);
  const cores = (cpuOf(pid) - before) / (performance.now() - from);
  return { residentBytes: memoryOf(pid).resident, cores };
}

async function configIn(folder: string, plugins: number): Promise<string> {
  let toml = '[server]\nunix = ""\nlog_level = "warn"\n';
  for (let i = 1; i <= plugins; i++) {
    const source = `export default {
  name: "p${i}",
  description: "adds a number",
  commands: { 1001: { name: "add", run: (context) => ({ sum: context.params.int("a") + ${i} }) } },
};
`;
    await Deno.writeTextFile(join(folder, `p${i}.js`), source);
    toml += `[[plugin]]\nname = "p${i}"\nbiz = ${i}\nmodule = "./p${i}.js"\n`;
  }
  return toml;
}
