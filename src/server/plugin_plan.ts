import type { PluginConfig, ServerConfig } from "../config/config.ts";
import type { ModuleSurvey } from "../ring/messages.ts";
import { checkNames } from "../router/registry.ts";
import { type PluginParts, WORKER_DESCRIPTORS } from "./build_plugin.ts";
import { PluginsError } from "./plugins_error.ts";
import { grantsAnswer } from "./confinement.ts";
import { DROP_GRACE_MS, PluginChange, ServedPlugin } from "./served_plugin.ts";
import { surveyModules } from "./survey_modules.ts";
import { StoppedMeanwhile } from "./unless_stopped.ts";

/** What threads that start open for a moment beside what they keep. */
const LOADING_DESCRIPTORS = 10;

/** The way from the plugins that are served to those of a config: prepared beside them, then taken over or dropped. */
export class PluginPlan {
  readonly added: readonly ServedPlugin[];
  readonly removed: readonly ServedPlugin[];
  readonly #changes: readonly PluginChange[];
  /** What is served afterwards, in the config's order: what is new, or what changes. */
  readonly #steps: readonly (ServedPlugin | PluginChange)[];
  readonly #dropped = new AbortController();
  /** What is being learned of modules. */
  #surveys: ReadonlyMap<ServedPlugin | PluginChange, Promise<ModuleSurvey | null>> = new Map();

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
   * Starts all new workers, each plugin's as soon as it is known what is to be there of them. Rejects, with all that is wrong,
   * where a module does not load or names clash; and where it is dropped meanwhile.
   *
   * @param ended told of each new plugin whether its workers have started
   */
  async start(ended: (added: ServedPlugin, hasStarted: boolean) => void = () => {}): Promise<void> {
    const asked = this.#steps.flatMap((step) => {
      const request = step.survey;
      return request === null ? [] : [{ step, request }];
    });
    this.#checkDescriptors(asked.length > 0);
    const surveys = surveyModules(asked.map(({ request }) => request), {
      nursery: this.parts.nursery,
      mayStart: () => hasRoom(this.parts, 1),
      dropped: this.#dropped.signal,
      moduleMs: this.parts.surveyMs,
    });
    if (asked.length > 0) {
      this.parts.log.debug("modules are loaded for what they declare", { modules: asked.length });
    }
    this.#surveys = new Map(asked.map(({ step }, index) => [step, surveys[index]!]));
    const told = async (step: ServedPlugin) => {
      let hasStarted = false;
      try {
        await this.#start(step);
        hasStarted = true;
      } finally {
        ended(step, hasStarted);
      }
    };
    const started = await Promise.allSettled(
      this.#steps.map((step) => step instanceof ServedPlugin ? told(step) : this.#start(step)),
    );
    const failures = started.flatMap((result) =>
      result.status === "rejected" ? [messageOf(result.reason)] : []
    );
    if (failures.length > 0) throw new PluginsError(failures);
    checkNames(this.#steps.map((step) => step instanceof ServedPlugin ? step.routed : step.names));
  }

  async #start(step: ServedPlugin | PluginChange): Promise<void> {
    const survey = await (this.#surveys.get(step) ?? null);
    // Its workers have been stopped.
    if (this.#dropped.signal.aborted) throw new StoppedMeanwhile();
    await step.start(survey);
  }

  #checkDescriptors(surveys: boolean): void {
    const starting = [
      ...this.added.map(({ config }) => config),
      ...this.#changes.flatMap(({ next, successor }) => successor === null ? [] : [next.config]),
    ];
    const workers = starting.reduce((sum, config) => sum + firstWorkers(config), 0);
    // Where few are left Deno's own modules cannot be opened, or the kernel not be asked to confine the thread.
    const isLoading = starting.some(({ isolation }) => isolation === "worker");
    checkRoom(
      this.parts,
      workers + (surveys ? 1 : 0),
      `starting ${workers} worker${workers === 1 ? "" : "s"}`,
      isLoading ? LOADING_DESCRIPTORS : 0,
    );
  }

  /** Ends what was started: it may run its `stop`, until `hurry` resolves. */
  async drop(hurry: Promise<void>): Promise<void> {
    this.#dropped.abort();
    await Promise.allSettled(this.#surveys.values());
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

/** So many are started at once at the most. */
function firstWorkers({ workers, minWorkers }: PluginConfig): number {
  return minWorkers === "all" ? workers : minWorkers === "auto" ? 1 : Math.max(minWorkers, 1);
}

/**
 * Throws where the system has too few descriptors for so many threads, and for what else is opened meanwhile: Deno ends the whole
 * process then.
 */
function checkRoom(parts: PluginParts, threads: number, what: string, others = 0): void {
  if (hasRoom(parts, threads, others)) return;
  throw new Error(
    `${what} opens ${
      descriptorsFor(parts, threads, others)
    } file descriptors, which the system does not allow: raise ulimit -n`,
  );
}

function hasRoom(parts: PluginParts, threads: number, others = 0): boolean {
  return parts.reserve.makeRoom(descriptorsFor(parts, threads, others));
}

function descriptorsFor({ nursery }: PluginParts, threads: number, others: number): number {
  return threads === 0 ? 0 : (threads + nursery.starting) * WORKER_DESCRIPTORS + others;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
