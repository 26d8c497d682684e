import { setTimeout as delay } from "node:timers/promises";
import type { ServerStats } from "../../observe/server_stats.ts";
import type { JsonValue } from "../../plugin.ts";
import { clientFailure } from "../client_failure.ts";
import { ExitCode } from "../exit_codes.ts";
import type { Io } from "../io.ts";
import { asServerStats } from "./report.ts";
import type { OpenStats, StatsSource } from "./source.ts";
import { statsTable } from "./table.ts";

export interface StatsWatch {
  readonly open: OpenStats;
  readonly intervalMs: number;
  readonly json: boolean;
}

/**
 * Shows the figures at every interval until SIGINT: in place on a terminal, one block (or line of JSON) after the other
 * elsewhere. A server that goes away is waited for; one that is not there at first is thrown, as ConnectError.
 */
export async function watchStats(watch: StatsWatch, io: Io): Promise<number> {
  const interrupted = new AbortController();
  const { signal } = interrupted;
  const stop = () => interrupted.abort();
  // The first one only: a second SIGINT ends the process, even where a connection hangs.
  Deno.addSignalListener("SIGINT", stop);
  signal.addEventListener("abort", () => Deno.removeSignalListener("SIGINT", stop), { once: true });
  const screen = new Screen(watch.json, io);
  let source: StatsSource | undefined;
  try {
    for (let seen = false, isGone = false; !signal.aborted;) {
      try {
        source ??= await watch.open();
        await screen.show(await source.fetch(signal));
        seen = true;
        isGone = false;
      } catch (error) {
        if (signal.aborted) break;
        if (!seen || clientFailure(error) !== ExitCode.Unreachable || !(error instanceof Error)) throw error;
        if (!isGone) await io.stderr.write(`mevent stats: ${error.message}; trying again\n`);
        isGone = true;
        await source?.close();
        source = undefined;
      }
      await delay(watch.intervalMs, undefined, { signal }).catch(() => {});
    }
    return ExitCode.Ok;
  } finally {
    stop();
    await source?.close();
  }
}

class Screen {
  #last: { readonly stats: ServerStats; readonly at: number } | undefined;

  constructor(readonly json: boolean, readonly io: Io) {}

  async show(value: JsonValue): Promise<void> {
    const { stdout } = this.io;
    if (this.json) return await stdout.write(`${JSON.stringify(value)}\n`);
    const stats = asServerStats(value);
    const at = performance.now();
    const isFirst = this.#last === undefined;
    const earlier = this.#last === undefined
      ? undefined
      : { stats: this.#last.stats, agoMs: at - this.#last.at };
    this.#last = { stats, at };
    const table = statsTable(stats, true, earlier);
    if (stdout.isTerminal) await stdout.write(inPlace(table, isFirst));
    else await stdout.write(isFirst ? table : `\n${table}`);
  }
}

/** Writes over what was there, line by line, and clears the rest: clearing all first would flicker. */
function inPlace(text: string, clearFirst: boolean): string {
  return `${clearFirst ? "\x1b[2J" : ""}\x1b[H${text.replaceAll("\n", "\x1b[K\n")}\x1b[J`;
}
