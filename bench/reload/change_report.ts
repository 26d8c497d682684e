import type { SettledStats } from "./changed_server.ts";
import { countText } from "../support/figures.ts";
import { markdownTable } from "../support/markdown_table.ts";

/** What is to be 0, and how often it was seen. */
export type Fault = readonly [what: string, count: number];
type Row = readonly [what: string, figure: string];

/** What was lost or doubled between callers and the plugin, and whether its workers held. */
export function lossFaults(
  { plugin, figure }: SettledStats,
  /** What callers were told is accepted. */
  taken: number,
): Fault[] {
  const ran = figure("ran");
  return [
    ["failed, by the server's count", plugin.failed],
    ["accepted and not run", Math.max(0, plugin.accepted - ran)],
    ["run more often than accepted", Math.max(0, ran - plugin.accepted)],
    ["accepted but not told so, or the other way round", Math.abs(plugin.accepted - taken)],
    ["workers died", plugin.restarts],
  ];
}

/** Prints what a server did under changes, as Markdown; the exit code becomes 1 where a fault's count is not 0. */
export function reportChanges(
  command: string,
  machine: string,
  { before, faults, after }: {
    readonly before: readonly Row[];
    readonly faults: readonly Fault[];
    readonly after: readonly Row[];
  },
): void {
  const rows = [...before, ...faults.map(([what, count]) => [what, countText(count)] as const), ...after];
  const words = [command, ...Deno.args].join(" ");
  console.log(`\`${words}\` on ${machine}.\n\n${markdownTable(["", "figure"], rows)}`);
  if (faults.some(([, count]) => count > 0)) Deno.exitCode = 1;
}
