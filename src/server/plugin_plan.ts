import type { PluginConfig, ServerConfig } from "../config/config.ts";
import { checkNames } from "../router/registry.ts";
import { type PluginParts, WORKER_DESCRIPTORS } from "./build_plugin.ts";
import { PluginsError } from "./plugins_error.ts";
import { grantsAnswer } from "./confinement.ts";
import { DROP_GRACE_MS, PluginChange, ServedPlugin } from "./served_plugin.ts";

/** What threads that start open for a moment beside what they keep. */
const LOADING_DESCRIPTORS = 10;

/** The way from the plugins that are served to those of a config: prepared beside them, then taken over or dropped. */
export class PluginPlan {
  readonly added: readonly ServedPlugin[];
  readonly removed: readonly ServedPlugin[];
  readonly #changes: readonly PluginChange[];
  /** What is served afterwards, in the config's order: what is new, or what changes. */
  readonly #steps: readonly (ServedPlugin | PluginChange)[];

  private constructor(
    before: readonly ServedPlugin[],
    steps: readonly (ServedPlugin | PluginChange)[],
    readonly parts: PluginParts,
  ) {
    this.#steps = steps;
    this.added = steps.filter((step) => step instanceof ServedPlugin);
    this.#changes = steps.filter((step) => step instanceof PluginChange);
    const names = new Set(steps.map((step) => step.name));
    this.removed = before.filter(({ name }) => !names.has(name));
  }

  /**
   * Prepares the plugins' modules, all of them or that of one plugin, and says what is to be done. Rejects with all that is
   * wrong where a module cannot be loaded.
   */
  static async make(
    before: readonly ServedPlugin[],
    configs: readonly PluginConfig[],
    server: ServerConfig,
    parts: PluginParts,
    only?: string,
  ): Promise<PluginPlan> {
    const byName = new Map(before.map((served) => [served.config.name, served.module]));
    const isLookedAt = (name: string) => only === undefined || only === name || !byName.has(name);
    // The thread that starts the one that reads them may have to be started, too.
    checkRoom(
      parts,
      configs.some(({ name, module }) => module.startsWith("file:") && isLookedAt(name)) ? 1 : 0,
      "reading the modules",
    );
    const taken = await Promise.allSettled(configs.map(async (config) => {
      await grantsAnswer(config.permissions);
      const known = byName.get(config.name) ?? null;
      const module = isLookedAt(config.name) ? await parts.modules.take(config, known) : known!;
      return { module, release: module.hold() };
    }));
    const held = taken.flatMap((result) => result.status === "fulfilled" ? [result.value] : []);
    try {
      const failures = taken.flatMap((result, index) =>
        result.status === "rejected"
          ? [`plugin ${configs[index]!.name} does not load: ${messageOf(result.reason)}`]
          : []
      );
      if (failures.length > 0) throw new PluginsError(failures);
      const served = new Map(before.map((each) => [each.name, each]));
      const steps: (ServedPlugin | PluginChange)[] = [];
      try {
        for (const [index, config] of configs.entries()) {
          const { module } = held[index]!;
          steps.push(
            served.get(config.name)?.change(config, module, server) ??
              new ServedPlugin(config, module, server, parts, await parts.journals.open(config, server)),
          );
        }
      } catch (error) {
        await new PluginPlan([], steps, parts).drop(Promise.resolve());
        throw error;
      }
      return new PluginPlan(before, steps, parts);
    } finally {
      // Whoever runs a module holds it now.
      for (const { release } of held) release();
    }
  }

  /** What it changes, a sentence each. */
  get changed(): string[] {
    return [
      ...this.added.map(({ config }) => `plugin ${config.name} added`),
      ...this.#changes.flatMap(({ served, changed }) =>
        changed.map((what) => `plugin ${served.config.name}: ${what}`)
      ),
      ...this.removed.map(({ config }) => `plugin ${config.name} removed`),
    ];
  }

  /**
   * Starts all new workers. Rejects, with all that is wrong, where a module does not load or names clash.
   *
   * @param ended told of each new plugin whether its workers have started
   */
  async start(ended: (added: ServedPlugin, hasStarted: boolean) => void = () => {}): Promise<void> {
    this.#checkDescriptors();
    const told = async (step: ServedPlugin) => {
      let hasStarted = false;
      try {
        await step.start();
        hasStarted = true;
      } finally {
        ended(step, hasStarted);
      }
    };
    const started = await Promise.allSettled(
      this.#steps.map((step) => step instanceof ServedPlugin ? told(step) : step.start()),
    );
    const failures = started.flatMap((result) =>
      result.status === "rejected" ? [messageOf(result.reason)] : []
    );
    if (failures.length > 0) throw new PluginsError(failures);
    checkNames(this.#steps.map((step) => step instanceof ServedPlugin ? step.routed : step.names));
  }

  #checkDescriptors(): void {
    const starting = [
      ...this.added.map(({ config }) => config),
      ...this.#changes.flatMap(({ next, successor }) => successor === null ? [] : [next.config]),
    ];
    const workers = starting.reduce((sum, { workers }) => sum + workers, 0);
    // Where few are left Deno's own modules cannot be opened, or the kernel not be asked to confine the thread.
    const isLoading = starting.some(({ isolation }) => isolation === "worker");
    checkRoom(
      this.parts,
      workers,
      `starting ${workers} worker${workers === 1 ? "" : "s"}`,
      isLoading ? LOADING_DESCRIPTORS : 0,
    );
  }

  /** Ends what was started: it may run its `stop`, until `hurry` resolves. */
  async drop(hurry: Promise<void>): Promise<void> {
    await Promise.all([
      ...this.added.map(({ routed }) => routed.pool.stop(DROP_GRACE_MS, hurry)),
      ...this.#changes.map((change) => change.drop(hurry)),
    ]);
  }

  /** Takes over what was prepared and returns what is served now. */
  commit(): ServedPlugin[] {
    return this.#steps.map((step) => {
      if (step instanceof ServedPlugin) return step;
      step.commit();
      return step.served;
    });
  }
}

/**
 * Throws where the system has too few descriptors for so many threads, and for what else is opened meanwhile: Deno ends the whole
 * process then.
 */
function checkRoom({ nursery, reserve }: PluginParts, threads: number, what: string, others = 0): void {
  const needed = threads === 0 ? 0 : (threads + nursery.starting) * WORKER_DESCRIPTORS + others;
  if (reserve.makeRoom(needed)) return;
  throw new Error(
    `${what} opens ${needed} file descriptors, which the system does not allow: raise ulimit -n`,
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
