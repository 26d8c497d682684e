import type { Connection } from "../../client/connection.ts";
import type { PluginStats, ServerStats } from "../../observe/server_stats.ts";
import { asServerStats, fetchStats } from "../stats/report.ts";

/** Two looks lie so far apart, in ms. */
const LOOK_EVERY_MS = 10;
/** Fewer queued operations than this tell little of what one of them takes. */
const ENOUGH_OPERATIONS = 100;

/** The server has no plugin of that name or number. */
export class UnknownPluginError extends Error {
  override readonly name = "UnknownPluginError";
}

/** One look at a plugin's queue. */
export interface QueueLook {
  /** On the clock of `performance.now()`, in ms. */
  readonly at: number;
  /** Operations waiting and running. */
  readonly operations: number;
  /** Operations worked off since the server's start, failed ones included. */
  readonly finished: number;
  /** Operations put into the queue since the server's start. */
  readonly accepted: number;
  /** Operations that wait for their time. */
  readonly parked: number;
  readonly plugin: PluginStats;
  readonly server: ServerStats;
}

/** Looks at a plugin's queue from outside, again and again. */
export class QueueWatch {
  /** From the look that saw most operations; undefined before there were enough. */
  bytesPerOperation: number | undefined;
  /** Waiting and running operations at the last look. */
  operations = 0;
  #most = ENOUGH_OPERATIONS - 1;

  /** `name` is a plugin's name or its business number in decimal. */
  constructor(readonly client: Connection, readonly name: string) {}

  /** Throws as `fetchStats` does, and UnknownPluginError where the server has no such plugin. */
  async look(): Promise<QueueLook> {
    const server = asServerStats(await fetchStats(this.client));
    const plugin = server.plugins.find(({ name, biz }) => name === this.name || String(biz) === this.name);
    if (plugin === undefined) {
      const names = server.plugins.map(({ name }) => name).join(", ");
      throw new UnknownPluginError(`the server has no plugin ${JSON.stringify(this.name)}; it has ${names}`);
    }
    const operations = plugin.queued + plugin.in_flight;
    this.operations = operations;
    if (operations > this.#most) {
      this.#most = operations;
      this.bytesPerOperation = plugin.queue_bytes / operations;
    }
    return {
      at: performance.now(),
      operations,
      finished: plugin.done + plugin.failed,
      accepted: plugin.accepted,
      parked: plugin.delayed + plugin.retrying,
      plugin,
      server,
    };
  }

  /** Looks until nothing waits or runs; for at most `waitMs`, or until the signal aborts. Returns the last look. */
  async untilEmpty(waitMs: number, signal: AbortSignal): Promise<QueueLook> {
    return await this.#until(({ operations }) => operations === 0, waitMs, signal);
  }

  /**
   * Looks until so many operations have been worked off since the server's start; for at most `waitMs`, or until the
   * signal aborts. Returns the last look.
   */
  async untilFinished(finished: number, waitMs: number, signal: AbortSignal): Promise<QueueLook> {
    return await this.#until((look) => look.finished >= finished, waitMs, signal);
  }

  async #until(
    isOver: (look: QueueLook) => boolean,
    waitMs: number,
    signal: AbortSignal,
  ): Promise<QueueLook> {
    const deadline = performance.now() + waitMs;
    for (;;) {
      const look = await this.look();
      if (isOver(look) || look.at >= deadline || signal.aborted) return look;
      await pause();
    }
  }

  /** Looks again and again while the work lasts; rejects as it does. */
  async during(work: Promise<void>): Promise<void> {
    let isOver = false;
    const working = work.finally(() => {
      isOver = true;
    });
    const looking = async () => {
      for (; !isOver; await pause()) await this.look();
    };
    await Promise.all([working, looking()]);
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
}
