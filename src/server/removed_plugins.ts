import type { Log } from "../observe/log.ts";
import type { RoutedPlugin } from "../router/routed_plugin.ts";

export interface RemovedPluginsOptions {
  readonly log: Log;
  /** In ms. */
  readonly drainTimeout: () => number;
  /** Waits for at most so many ms, or until the server is told to hurry. */
  readonly within: (ms: number, work: Promise<unknown>) => Promise<void>;
  readonly stop: (plugin: RoutedPlugin) => Promise<void>;
  readonly gone: (plugin: RoutedPlugin) => void;
}

/** Plugins that a reload has removed: each works off what it has accepted, for as long as a stop would wait, and ends. */
export class RemovedPlugins {
  /** How many operations of each were not done. */
  readonly #all = new Set<Promise<number>>();

  constructor(readonly options: RemovedPluginsOptions) {}

  add(plugin: RoutedPlugin): void {
    const left = this.#workOff(plugin);
    this.#all.add(left);
    left.then(() => this.#all.delete(left));
  }

  /** Waits for those that leave now; how many of their operations were not done. */
  async abandoned(): Promise<number> {
    const each = await Promise.all(this.#all);
    return each.reduce((sum, count) => sum + count, 0);
  }

  async #workOff(plugin: RoutedPlugin): Promise<number> {
    const { log, drainTimeout, within, stop, gone } = this.options;
    const ms = drainTimeout();
    await within(ms, plugin.pool.drained(performance.now() + ms));
    const count = plugin.abandoned();
    await stop(plugin);
    const abandoned = count();
    gone(plugin);
    log[abandoned > 0 ? "warn" : "info"]("a removed plugin has ended", {
      plugin: plugin.name,
      operations_abandoned: abandoned,
      ...plugin.kept > 0 ? { operations_kept: plugin.kept } : {},
    });
    return abandoned;
  }
}
