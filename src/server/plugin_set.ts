import type { PluginConfig, ServerConfig } from "../config/config.ts";
import type { PluginReadiness } from "../observe/readiness.ts";
import type { Registry } from "../router/registry.ts";
import type { RoutedPlugin } from "../router/routed_plugin.ts";
import type { PluginWorker } from "../pool/plugin_worker.ts";
import type { PluginParts } from "./build_plugin.ts";
import { PluginPlan } from "./plugin_plan.ts";
import type { ServedPlugin } from "./served_plugin.ts";

/**
 * All plugins that hold operations: those that are served, and those that a reload has removed, until they are worked
 * off.
 */
export class PluginSet {
  /** In the config's order, then those that are on their way out. */
  readonly all: RoutedPlugin[] = [];
  #served: readonly ServedPlugin[] = [];
  readonly #leaving = new Set<RoutedPlugin>();

  constructor(readonly parts: PluginParts, readonly registry: Registry) {}

  /**
   * What is to be done to serve the plugins of a config; nothing has changed yet. Rejects where a module cannot be loaded.
   *
   * @param only the one plugin whose module is looked at anew; without it all are
   */
  plan(configs: readonly PluginConfig[], server: ServerConfig, only?: string): Promise<PluginPlan> {
    return PluginPlan.make(this.#served, configs, server, this.parts, only);
  }

  /** Starts the plugins of the first plan, which may call each other in that. Rejects where one does not start. */
  async begin(plan: PluginPlan): Promise<void> {
    const { parts: { starts }, registry } = this;
    starts.begin(plan.added.map(({ config }) => config));
    await plan.start(({ config, routed }, hasStarted) => {
      if (hasStarted) registry.replace([...registry.plugins, routed]);
      starts.ended(config.name);
    });
  }

  /** Serves what a plan has prepared; returns the plugins that nobody can reach any more. */
  take(plan: PluginPlan): RoutedPlugin[] {
    this.#served = plan.commit();
    this.registry.replace(this.#served.map(({ routed }) => routed));
    const removed = plan.removed.map(({ routed }) => routed);
    for (const plugin of removed) this.#leaving.add(plugin);
    this.#list();
    return removed;
  }

  /** What they are served with now was read from the config. */
  settle(): void {
    for (const served of this.#served) served.written = served.config;
  }

  /** The plugin that is served under that name or business number; null where there is none. */
  named(name: string): ServedPlugin | null {
    const routed = this.registry.named(name);
    return this.#served.find((served) => served.routed === routed) ?? null;
  }

  /** A removed plugin has ended. */
  gone(plugin: RoutedPlugin): void {
    this.#leaving.delete(plugin);
    this.#list();
  }

  /** Operations that are not done. */
  get pending(): number {
    return this.all.reduce((sum, plugin) => sum + plugin.queue.ops, 0);
  }

  /**
   * Tells, once those that are served have stopped, how many of their operations that are pending now were not done, by
   * plugin.
   */
  abandoned(): () => Map<string, number> {
    const each = this.#served.map(({ routed }) => [routed.name, routed.abandoned()] as const);
    return () => new Map(each.map(([name, count]) => [name, count()]));
  }

  /** The plugins that have journals. */
  get inJournals(): string[] {
    return this.all.filter(({ queue }) => queue.durability !== null).map(({ name }) => name);
  }

  /** What of each plugin keeps the server from being ready. */
  get readiness(): PluginReadiness[] {
    return this.all.map(({ name, queue, pool, essential }) => ({
      name,
      problem: queue.durability?.problem ?? null,
      down: essential ? pool.health.down : null,
    }));
  }

  /** Operations that have not ended and are in journals, by plugin. */
  get kept(): Map<string, number> {
    return new Map(this.all.map(({ name, kept }) => [name, kept]));
  }

  /** The plugins whose `stop` failed, or did not end in time. */
  get unstopped(): string[] {
    return this.all.filter(({ pool }) => pool.unstopped > 0).map(({ name }) => name);
  }

  /** Looks for replies, and what journals tell; true where there were some. */
  poll(): boolean {
    let found = this.parts.journals.poll();
    for (const plugin of this.all) if (plugin.pool.poll()) found = true;
    return found;
  }

  /** Whether a journal is about to tell that something is on the disk. */
  get isAwaiting(): boolean {
    return this.parts.journals.isAwaiting;
  }

  /** Lets the next of them wake this thread; false where there is one already. */
  sleep(): boolean {
    return this.parts.journals.sleep() && this.all.every((plugin) => plugin.pool.sleep());
  }

  /** All who may hold operations. */
  get workers(): PluginWorker[] {
    return this.all.flatMap(({ pool }) => pool.holders);
  }

  /** All that is looked at once a second: workers that hang, results whose time is over. */
  check(): void {
    for (const { pool, results } of this.all) {
      pool.replaceHung();
      pool.outcomes.slow.tick();
      results?.tick(this.parts.now());
    }
  }

  /**
   * Resolves when nothing runs and nothing can run any more before the deadline (monotonic, ms); what plugins ask of each
   * other until then included.
   */
  async drained(deadline: number): Promise<void> {
    while (!this.all.every(({ pool }) => pool.isDrained(deadline))) {
      await Promise.all(this.all.map(({ pool }) => pool.drained(deadline)));
    }
  }

  /** Stops all within so many ms or until `hurry` resolves. */
  async stop(graceMs: number, hurry: Promise<void>): Promise<void> {
    await Promise.all(this.all.map((plugin) => plugin.pool.stop(graceMs, hurry)));
  }

  #list(): void {
    const served = this.#served.map(({ routed }) => routed);
    this.all.splice(0, this.all.length, ...served, ...this.#leaving);
    this.registry.holders = this.all;
  }
}
