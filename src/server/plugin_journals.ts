import type { PluginConfig, ServerConfig } from "../config/config.ts";
import { startJournalThread } from "../durable/journal_port.ts";
import { JournalError, Journals } from "../durable/journals.ts";
import { JournalQueue, WINDOW_BYTES } from "../durable/journal_queue.ts";
import type { OpenJournal } from "../durable/open_journal.ts";
import type { Log } from "../observe/log.ts";
import type { LimitLog } from "../observe/limit_log.ts";
import type { ServerCounters } from "../observe/server_stats.ts";
import type { Encoding } from "../protocol/body.ts";
import { ReplyCode } from "../protocol/codes.ts";
import type { ContentLimits } from "../protocol/content_limits.ts";
import { errorContent } from "../protocol/error_content.ts";
import { acceptedContent } from "../router/accepted_answer.ts";
import { Duplicates } from "../router/duplicates.ts";
import type { ReplyRoutes } from "../router/reply_routes.ts";
import { RequestOptions } from "../router/request_options.ts";
import type { RoutedPlugin } from "../router/routed_plugin.ts";
import { dataFolder, journalFolder, pluginOfFolder } from "./data_folder.ts";
import { fillLogger } from "./fill_logger.ts";
import { PluginsError } from "./plugins_error.ts";
import type { ServerOptions } from "./server_options.ts";

/** Times of acceptance are whole in this share of a ms: sums with the time of the epoch are exact then. */
const TIME_SHARE = 1024;
const NOTHING = new Uint8Array(0);

/** What callers are told by, and what bounds hold. */
export interface PluginJournalParts {
  readonly limitLog: LimitLog;
  readonly counters: ServerCounters;
  readonly routes: ReplyRoutes;
  readonly contentLimits: ContentLimits;
  /** As it is now. */
  readonly limits: Pick<ServerConfig, "maxDisk">;
  readonly now: () => number;
}

/** The journals of a server's plugins. */
export class PluginJournals {
  readonly journals: Journals;
  /** The epoch's time in ms when the monotonic one was 0. */
  readonly #zero: number;
  readonly #queues = new Set<JournalQueue>();

  constructor(
    readonly options: Pick<ServerOptions, "log" | "env" | "journalThread">,
    readonly parts: PluginJournalParts,
  ) {
    const { log, journalThread = startJournalThread } = options;
    const { limits, now } = parts;
    this.journals = new Journals({
      log,
      maxDisk: () => limits.maxDisk,
      onFilled: fillLogger(log, "the disk space of all journals (max_disk)", "disk_level"),
      start: journalThread,
    });
    this.#zero = Math.round((Date.now() - now()) * TIME_SHARE) / TIME_SHARE;
  }

  /** Opens the journal of a plugin that has one; null where it has none. Rejects with PluginsError. */
  async open(config: PluginConfig, server: ServerConfig): Promise<OpenJournal | null> {
    if (config.durability === "memory") return null;
    const { log, env = {} } = this.options;
    const data = dataFolder(server, env);
    if (data === null) {
      throw new PluginsError([
        `plugin ${config.name} has durability = "journal", and there is no folder for it: name one with data of [server]`,
      ]);
    }
    try {
      const journal = await this.journals.open({
        plugin: config.name,
        folder: journalFolder(data, config.name),
        limits: limitsOf(config),
        maxContentBytes: server.maxFrame,
        fillBytes: WINDOW_BYTES,
      });
      tellRecovered(config.name, journal, log);
      return journal;
    } catch (error) {
      if (!(error instanceof JournalError)) throw error;
      throw new PluginsError([`plugin ${config.name} cannot open its journal: ${error.message}`]);
    }
  }

  /** Keeps a plugin's async operations in a journal from now on; what was found there comes into its queue. */
  keep(plugin: RoutedPlugin, journal: OpenJournal): JournalQueue {
    const { routes, counters, contentLimits, now, limitLog } = this.parts;
    const { log } = this.options;
    const { queue, pool, dedup, name } = plugin;
    const keys = new RequestOptions({ maxDelay: 0, keys: true, content: contentLimits });
    const kept = new JournalQueue({
      plugin: name,
      journal,
      queue,
      dead: pool.dead,
      dedup,
      zero: this.#zero,
      now,
      partOf: (encoding, bytes, at, length) => plugin.partOf(encoding as Encoding, bytes, at, length),
      keyOf: (command, encoding, content) => {
        if (plugin.duplicates === null) return null;
        keys.read(encoding as Encoding, content, false);
        return keys.key === null ? null : Duplicates.keyOf(command, keys.key);
      },
      events: {
        acknowledged: ({ routeSlot, routeGeneration, requestId, wantsId, encoding }, id, acceptedAt) => {
          const isTold = wantsId === true;
          const content = isTold ? acceptedContent(encoding as Encoding, plugin, id, acceptedAt) : NOTHING;
          const own = isTold ? encoding as Encoding : 0;
          routes.deliver(
            routeSlot,
            routeGeneration,
            requestId,
            ReplyCode.Ok,
            own,
            content,
            0,
            content.length,
          );
        },
        refused: (to, message) => {
          const content = errorContent(to.encoding as Encoding, ReplyCode.Busy, message);
          const { routeSlot, routeGeneration, requestId, encoding } = to;
          routes.deliver(
            routeSlot,
            routeGeneration,
            requestId,
            ReplyCode.Busy,
            encoding as Encoding,
            content,
            0,
            content.length,
          );
        },
        committed: (count) => void (plugin.accepted += count),
        dropped: (count) => {
          plugin.busy += count;
          counters.busy += count;
          limitLog.reached("journal", { plugin: name }, count);
        },
        cancelledAway: (id, message) => pool.outcomes.cancelAway(id, message),
        refusedAway: (id, message) => pool.outcomes.dropAway(id, ReplyCode.Busy, message),
        parked: () => pool.delayed(),
        settled: () => pool.committed(),
        filled: fillLogger(
          log,
          `the disk space of plugin ${name}'s journal (journal.max_disk)`,
          "disk_level",
        ),
        uncleaned: (problem) => tellUncleaned(name, problem, log),
        problem: (problem) => tellProblem(name, problem, log),
        closed: () => void this.#queues.delete(kept),
      },
    });
    queue.durability = kept;
    plugin.accepted += kept.kept;
    this.#queues.add(kept);
    return kept;
  }

  /** Looks for news; true where there were some. */
  poll(): boolean {
    let found = false;
    for (const queue of this.#queues) if (queue.news.poll()) found = true;
    return found;
  }

  /** Whether there is a commit that callers wait for. */
  get isAwaiting(): boolean {
    for (const queue of this.#queues) if (queue.unsynced > 0) return true;
    return false;
  }

  /** Lets the next news wake this thread; false where there are some already. */
  sleep(): boolean {
    for (const queue of this.#queues) if (!queue.news.sleep()) return false;
    return true;
  }

  /** What all of them take on disk, and may take. */
  get diskBytes(): number {
    return this.journals.diskBytes;
  }

  get maxDisk(): number {
    return this.parts.limits.maxDisk;
  }

  /** Says which journals there are that no plugin of the config has. */
  async tellOrphans(plugins: readonly PluginConfig[], server: ServerConfig): Promise<void> {
    const { log, env = {} } = this.options;
    const data = dataFolder(server, env);
    if (data === null) return;
    const kept = new Set(
      plugins.filter(({ durability }) => durability === "journal").map(({ name }) => name),
    );
    try {
      for await (const { name, isDirectory } of Deno.readDir(data)) {
        const plugin = isDirectory ? pluginOfFolder(name) : null;
        if (plugin === null || kept.has(plugin) || !await isJournal(`${data}/${name}`)) continue;
        log.warn('a journal is of no plugin that has durability = "journal": what is in it does not run', {
          plugin,
          folder: `${data}/${name}`,
        });
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) {
        log.warn("the folder of the journals cannot be read", {
          folder: data,
          error: error instanceof Error ? error.message : String(error),
        });
      }
    }
  }
}

/** What a plugin's config says of its journal. */
export function limitsOf({ journal }: PluginConfig): { syncMs: number; maxDisk: number } {
  return { syncMs: journal.sync, maxDisk: journal.maxDisk };
}

async function isJournal(folder: string): Promise<boolean> {
  for await (const { name } of Deno.readDir(folder)) if (name.endsWith(".journal")) return true;
  return false;
}

function tellRecovered(plugin: string, { recovered }: OpenJournal, log: Log): void {
  const { waiting, parked, buried, remembered, tail, problem } = recovered;
  const queued = waiting.reduce((sum, { count }) => sum + count, 0);
  if (tail !== null) {
    log.warn(
      "the end of a journal was being written when the server ended: it was never acknowledged, and is left out",
      {
        plugin,
        file: tail.path,
        offset: tail.offset,
        bytes: tail.bytes,
      },
    );
  }
  if (queued + parked + buried + remembered > 0) {
    log.info("a journal goes on", { plugin, queued, parked, dead: buried, keys: remembered });
  }
  if (problem !== null) tellProblem(plugin, problem, log);
}

function tellProblem(plugin: string, problem: string | null, log: Log): void {
  if (problem === null) log.info("the journal takes operations again", { plugin });
  else log.error("the journal takes no operations: they are answered 21", { plugin, problem });
}

function tellUncleaned(plugin: string, problem: string | null, log: Log): void {
  if (problem === null) log.info("old files of a journal are cleaned up again", { plugin });
  else {log.error("old files of a journal cannot be cleaned up: it takes more of the disk", {
      plugin,
      problem,
    });}
}
