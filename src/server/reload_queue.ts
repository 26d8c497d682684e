import type { Config } from "../config/config.ts";
import type { ReadFile } from "../config/config_file.ts";
import { textOf } from "../text_of.ts";
import { ControlRefusal } from "../control/control_request.ts";
import type { LimitEdits, LimitsReport } from "../control/limits_report.ts";
import { editLimits } from "./edit_limits.ts";
import { SERVER } from "../control/actor.ts";
import { ReloadError, type ReloadReport } from "../control/reload_report.ts";
import { configAgain, previewReload, reload, type ReloadTarget, tellReload } from "./reload.ts";
import type { ServerOptions } from "./server_options.ts";

export interface ReloadQueueOptions {
  readonly loadConfig: ServerOptions["loadConfig"];
  /** Told when a reload begins, and when it is over. */
  readonly reloading?: ((isReloading: boolean) => void) | undefined;
  readonly target: ReloadTarget;
  readonly read: ReadFile;
  /** What the server does; it is reloaded only while it is running. */
  readonly state: () => string;
  /** Lets the control sockets follow; returns what has changed with them. */
  readonly follow: (report: ReloadReport) => Promise<ReloadReport>;
  /** The config is in effect. */
  readonly taken: (config: Config) => void;
}

/** The reloads of a server, one at a time: each waits for the one before. */
export class ReloadQueue {
  #last: Promise<unknown> = Promise.resolve();

  constructor(readonly options: ReloadQueueOptions) {}

  /** Resolves when the last that was asked for is over, whatever became of it. */
  get settled(): Promise<unknown> {
    return this.#last;
  }

  /**
   * Takes over a config, that given or the one that is loaded again. Rejects with ReloadError where it cannot; nothing has
   * changed then.
   */
  begin(given?: Config): Promise<ReloadReport> {
    return this.#inTurn(() => this.#reload(given));
  }

  /** What {@link begin} would change with the config that is loaded again. Rejects with ReloadError where it could not. */
  preview(): Promise<ReloadReport> {
    return this.#inTurn(async () => {
      const { target, loadConfig, read, state } = this.options;
      if (state() !== "running") throw new ReloadError(`nothing is reloaded: the server is ${state()}`);
      return await previewReload(target, await configAgain(loadConfig, read, target.stopping));
    });
  }

  /** See {@link editLimits}. */
  editLimits(plugin: string, edits: LimitEdits, isDry: boolean): Promise<LimitsReport> {
    return this.#inTurn(() => {
      const { target, state } = this.options;
      if (state() !== "running") throw new ControlRefusal(`nothing is changed: the server is ${state()}`);
      return editLimits(target, plugin, edits, isDry);
    });
  }

  /** The files of one plugin have changed. What becomes of it is in the log. */
  beginWatched(plugin: string): Promise<void> {
    return this.#inTurn(() => this.#reload(this.options.target.config, plugin)).then(() => {}, () => {});
  }

  #inTurn<T>(work: () => T | Promise<T>): Promise<T> {
    const reloaded = this.#last.then(work);
    this.#last = reloaded.catch(() => {});
    return reloaded;
  }

  async #reload(given: Config | undefined, watched?: string): Promise<ReloadReport> {
    const { target, loadConfig, read, state, follow, taken, reloading = () => {} } = this.options;
    const { log, stopping } = target;
    reloading(true);
    try {
      if (state() !== "running") throw new ReloadError(`nothing is reloaded: the server is ${state()}`);
      const config = given ?? await configAgain(loadConfig, read, stopping);
      const report = await follow(await reload(target, config, watched));
      taken(config);
      if (watched === undefined) target.plugins.settle();
      // Files that were looked at and are the same are no news.
      tellReload(report, log, report.unchanged && watched !== undefined ? "debug" : "info");
      if (watched !== undefined && !report.unchanged) {
        const result = { changed: [...report.changed] };
        const what = { action: "reload", plugin: watched, details: {}, result, message: null } as const;
        target.audit.note(SERVER, { ...what, outcome: "done" });
      }
      if (watched === undefined) { for (const warning of config.warnings) log.warn(warning); }
      return report;
    } catch (error) {
      log.error("the reload has failed, nothing has changed", { error: textOf(error) });
      throw error;
    } finally {
      reloading(false);
    }
  }
}
