import { textOf } from "../text_of.ts";
import { isDeepStrictEqual } from "node:util";
import type { PluginConfig, ServerConfig } from "../config/config.ts";
import { differences } from "../config/differences.ts";
import { withWorkersInFile } from "../config/worker_numbers.ts";
import type { Encoding } from "../protocol/body.ts";
import type { ContentLimits } from "../protocol/content_limits.ts";
import { Affinity } from "../router/affinity.ts";
import { Duplicates } from "../router/duplicates.ts";
import type { PluginNames } from "../router/registry.ts";
import type { RoutedPlugin } from "../router/routed_plugin.ts";
import { RequestOptions } from "../router/request_options.ts";
import type { WorkerPool } from "../pool/pool.ts";
import type { WorkerSettings } from "../pool/supervisor_options.ts";
import type { Supervisor } from "../pool/supervisor.ts";
import type { ModuleSurvey } from "../ring/messages.ts";
import type { JournalQueue } from "../durable/journal_queue.ts";
import type { OpenJournal } from "../durable/open_journal.ts";
import { buildPlugin, type PluginParts } from "./build_plugin.ts";
import type { HeldModule } from "./module_store.ts";
import { PluginsError } from "./plugins_error.ts";
import { limitsOf } from "./plugin_journals.ts";
import { limitsThatDiffer } from "./plugin_limits.ts";
import { isSurveyable, type SurveyRequest } from "./survey_modules.ts";
import { partsOf, workerSettings } from "./worker_settings.ts";

/** What workers that were started in vain get to end in, in ms. */
export const DROP_GRACE_MS = 5000;

/** A plugin as the server runs it: its config, what came of it, and how it goes on with another one. */
export class ServedPlugin {
  readonly routed: RoutedPlugin;
  /** Since when it has run this code, in ms since 1970. */
  codeSince = Date.now();
  /** Its config as it was read last: limits may have been changed since. */
  written: PluginConfig;
  #settings: WorkerSettings;
  readonly #contentLimits: ContentLimits;
  /** What tells its operations from those of others, and from those of another start where they are not kept. */
  readonly #runs: { readonly server: string; readonly journal: string | null };
  readonly #kept: JournalQueue | null;
  readonly #log: PluginParts["log"];

  constructor(
    public config: PluginConfig,
    /** The code that its workers run. */
    public module: HeldModule,
    server: ServerConfig,
    parts: PluginParts,
    /** Where its async operations are kept; null where they are in memory alone. */
    journal: OpenJournal | null,
  ) {
    this.written = config;
    this.#runs = { server: parts.run, journal: journal?.recovered.run ?? null };
    // What a journal brings back may be longer than what is taken now.
    const longest = journal === null || isEmpty(journal) ? 0 : journal.maxContentBytes;
    this.#settings = workerSettings(config, server, module.prepared, longest, this.#runs);
    this.routed = module.holdFor((held) => buildPlugin(config, this.#settings, held, parts));
    this.#contentLimits = parts.contentLimits;
    this.#log = parts.log;
    this.#bound();
    this.#setAffinity();
    this.#kept = journal === null ? null : parts.journals.keep(this.routed, journal);
  }

  /** Keys of limits that were changed since the config was read. */
  get edited(): ReadonlySet<string> {
    return limitsThatDiffer(this.written, this.config);
  }

  get name(): string {
    return this.config.name;
  }

  /** What is to be looked at of its module before it starts; null where a worker of its own does that. */
  get survey(): SurveyRequest | null {
    return surveyOf(this.routed.pool, this.#settings, this.module, true);
  }

  /** Starts its workers. Rejects where its module does not load. */
  async start(survey: ModuleSurvey | null): Promise<void> {
    const { pool } = this.routed;
    try {
      await this.#kept?.ready;
    } catch (error) {
      throw new Error(`plugin ${this.name} does not start: ${textOf(error)}`, { cause: error });
    }
    await pool.start(survey);
    this.routed.declared(pool.declaration!);
  }

  /** What is to be done for it to go on with another config; nothing has changed yet. */
  change(config: PluginConfig, module: HeldModule, server: ServerConfig): PluginChange {
    this.#checkDurability(config, server);
    const { maxContentBytes } = this.#settings;
    const settings = workerSettings(config, server, module.prepared, maxContentBytes, this.#runs);
    const isOtherCode = module !== this.module;
    const needsWorkers = isOtherCode || config.affinity !== this.config.affinity ||
      !isDeepStrictEqual(settings, this.#settings);
    const changed = differences(withWorkersInFile(this.config), withWorkersInFile(config));
    if (isOtherCode && config.module === this.config.module) changed.push("its module's files have changed");
    else if (
      changed.length === 0 && !isDeepStrictEqual(settings.setup.readable, this.#settings.setup.readable)
    ) {
      changed.push("other files stand where its workers may read");
    }
    const { pool } = this.routed;
    const successor = needsWorkers ? module.holdFor((held) => pool.successor(settings, held)) : null;
    return new PluginChange(this, changed, successor, { config, settings, module });
  }

  /** Throws where the change would leave operations behind. */
  #checkDurability({ name, durability }: PluginConfig, { maxFrame }: ServerConfig): void {
    if (durability !== this.config.durability) {
      const what = `durability = "${this.config.durability}" cannot become "${durability}" while it runs`;
      throw new PluginsError([
        `plugin ${name}: ${what}: restart the server, or remove the plugin and add it again`,
      ]);
    }
    const most = this.#kept?.parts.journal.maxContentBytes ?? Infinity;
    if (maxFrame <= most) return;
    throw new PluginsError([
      `plugin ${name}: its journal takes messages of up to ${most} bytes until the next start; max_frame is ${maxFrame}`,
    ]);
  }

  /** Goes on with another config, and with the workers that were started for it. */
  become({ config, settings, module }: NextPlugin, successor: Supervisor | null): void {
    const { routed } = this;
    const { queue, pool } = routed;
    const isDivided = partsOf(config) !== queue.parts.length || config.affinity !== routed.affinity?.param;
    this.config = config;
    this.#settings = settings;
    if (module !== this.module) this.codeSince = Date.now();
    this.module = module;
    this.#bound();
    if (successor === null) return;
    const declaration = successor.declaration!;
    routed.declared(declaration);
    // Who runs operations one after the other, all or those of a key, does so also across the change.
    const isInOrder = config.affinity !== undefined ||
      (config.workers === 1 && declaration.concurrency === 1);
    pool.switchTo(successor, isInOrder || isDivided, () => this.#divide());
  }

  /** Gives the queue and what is beside it the bounds that the config wants. */
  #bound(): void {
    const { config, routed } = this;
    const { queue, cache, pool, dedup } = routed;
    queue.bound(config.queue);
    cache.bound(config.cache);
    pool.bound(config);
    dedup.bound(config.dedup);
    pool.outcomes.endings.bound(config.results.keep > 0 ? config.results : null, pool.options.now());
    this.#kept?.bound(limitsOf(config));
    const keys = config.dedup.window > 0;
    routed.requestOptions = config.maxDelay > 0 || keys
      ? new RequestOptions({ maxDelay: config.maxDelay, keys, content: this.#contentLimits })
      : null;
    routed.takesTrace = config.traceparent;
    routed.essential = config.essential;
    this.#log.levels.configurePlugin(config.name, config.logLevel === "auto" ? null : config.logLevel);
    routed.duplicates = keys ? new Duplicates(dedup) : null;
  }

  /** Gives the queue the parts that the config wants. */
  #divide(): void {
    const { config: { affinity }, routed } = this;
    const parts = partsOf(this.config);
    if (parts === routed.queue.parts.length && affinity === routed.affinity?.param) return;
    this.#setAffinity();
    routed.queue.divide(parts, (encoding, ...content) => routed.partOf(encoding as Encoding, ...content));
  }

  #setAffinity(): void {
    const { config: { affinity }, routed } = this;
    routed.affinity = affinity === undefined
      ? null
      : new Affinity(affinity, routed.queue, this.#contentLimits);
  }
}

/** Child processes have code in them that is to come near nobody else. */
function surveyOf(
  { health, leaks }: WorkerPool,
  settings: WorkerSettings,
  module: HeldModule,
  first: boolean,
): SurveyRequest | null {
  const isInProcess = settings.isolation === "process" || health.moved;
  if (isInProcess || !isSurveyable(settings)) return null;
  const { name, module: url, biz, concurrency, original } = settings.setup;
  return {
    setup: { name, module: url, biz, concurrency, original, first },
    module,
    stuck: (threads) => leaks.terminated(threads, () => {}),
  };
}

/** What a plugin goes on with. */
export interface NextPlugin {
  readonly config: PluginConfig;
  readonly settings: WorkerSettings;
  readonly module: HeldModule;
}

/** A plugin's way to another config: prepared, then done or dropped. */
export class PluginChange {
  constructor(
    readonly served: ServedPlugin,
    /** A sentence for each thing that changes, without the plugin's name. */
    readonly changed: readonly string[],
    /** The workers that take over; null where those that run go on. */
    readonly successor: Supervisor | null,
    readonly next: NextPlugin,
  ) {}

  get name(): string {
    return this.next.config.name;
  }

  /** What it will answer to; known when its workers have started. */
  get names(): PluginNames {
    const { routed: { name, biz } } = this.served;
    return { name, biz: this.successor === null ? biz : this.successor.declaration?.biz };
  }

  /** What is to be looked at of its module before it starts; null where a worker of its own does that, or none is started. */
  get survey(): SurveyRequest | null {
    const { next: { settings, module }, served: { routed } } = this;
    return this.successor === null ? null : surveyOf(routed.pool, settings, module, false);
  }

  /** Starts the new workers. Rejects where the module does not load. */
  async start(survey: ModuleSurvey | null): Promise<void> {
    await this.successor?.start(survey);
  }

  async drop(hurry: Promise<void>): Promise<void> {
    await this.successor?.stop(DROP_GRACE_MS, hurry);
  }

  commit(): void {
    this.served.become(this.next, this.successor);
  }
}

/** Whether no operation was found in it. */
function isEmpty({ recovered: { waiting, parked } }: OpenJournal): boolean {
  return waiting.length + parked === 0;
}
