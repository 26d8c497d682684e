import type { Plugin } from "../plugin.ts";
import type { BatchBounds } from "./batch.ts";
import { millisecondsOf } from "./duration.ts";
import type { PluginDeclaration } from "../ring/messages.ts";

/** The most operations of a batch. */
export const MAX_BATCH = 100_000;
/** A batch waits for less than this, in ms. */
export const MAX_BATCH_WAIT = 60_000;

/** A sentence on what is wrong with a command's `batch`, or null. */
export function wrongWithBatch(batch: unknown): string | null {
  if (typeof batch !== "object" || batch === null) return "is no object: { max, wait }";
  const { max, wait } = batch as Record<string, unknown>;
  if (typeof max !== "number" || !Number.isInteger(max) || max < 1 || max > MAX_BATCH) {
    return `needs a \`max\` that is a whole number from 1 to ${MAX_BATCH}`;
  }
  const ms = wait === undefined ? 0 : millisecondsOf(wait);
  if (ms === undefined || ms >= MAX_BATCH_WAIT) {
    return 'has a `wait` that is no time such as "5ms" or "1s", or not shorter than a minute';
  }
  return null;
}

/** The bounds of a plugin's batch commands, by number. Throws where its `start` has given them wrong ones. */
export function batchBounds({ commands }: Plugin): Map<number, BatchBounds> {
  const bounds = new Map<number, BatchBounds>();
  for (const [number, { batch }] of Object.entries(commands)) {
    if (batch === undefined) continue;
    const problem = wrongWithBatch(batch);
    if (problem !== null) throw new Error(`command ${number} has a \`batch\` that ${problem}`);
    bounds.set(Number(number), { max: batch.max, wait: millisecondsOf(batch.wait ?? 0)! });
  }
  return bounds;
}

/** The longest that a worker's operations wait to be run with others, in ms. */
export function longestWait(declaration: PluginDeclaration | null): number {
  return declaration?.commands.reduce((most, { batch }) => Math.max(most, batch?.wait ?? 0), 0) ?? 0;
}
