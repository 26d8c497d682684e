import type { PluginConfig, ServerConfig } from "../config/config.ts";
import type { DescriptorReserve } from "../net/descriptor_reserve.ts";
import type { LimitLog } from "../observe/limit_log.ts";
import type { Log } from "../observe/log.ts";
import type { ContentLimits } from "../protocol/content_limits.ts";
import { Dedup } from "../queue/dedup.ts";
import { OperationQueue, type QueueBudget } from "../queue/operation_queue.ts";
import type { SegmentPool } from "../queue/segment.ts";
import { Cache } from "../router/cache.ts";
import { CacheRequests } from "../router/cache_requests.ts";
import type { ReplyRoutes } from "../router/reply_routes.ts";
import { RoutedPlugin } from "../router/routed_plugin.ts";
import type { Router } from "../router/router.ts";
import type { StartCalls } from "../router/start_calls.ts";
import type { Nursery } from "../thread/nursery.ts";
import type { FigureReport } from "../ring/messages.ts";
import { WorkerPool } from "../pool/pool.ts";
import type { WorkerSettings } from "../pool/supervisor_options.ts";
import { MAX_FIGURES } from "../host/stats_reporter.ts";
import { fillLogger } from "./fill_logger.ts";
import type { ThreadEnds } from "./thread_ends.ts";
import type { HeldFiles, ModuleStore } from "./module_store.ts";
import type { PluginJournals } from "./plugin_journals.ts";
import { outcomeDelivery } from "./outcome_delivery.ts";
import { PluginServices } from "./plugin_services.ts";
import { maxReplyBytes, partsOf } from "./worker_settings.ts";

/**
 * Descriptors that a worker's thread opens at its start, two of them only while it confines itself; where it finds too few,
 * Deno ends the whole process.
 */
export const WORKER_DESCRIPTORS = 10;

export interface PluginParts {
  readonly router: Router;
  readonly budget: QueueBudget;
  readonly segments: SegmentPool;
  readonly routes: ReplyRoutes;
  readonly starts: StartCalls;
  /** What tells this server from others, and from itself after its next start. */
  readonly run: string;
  /** As the main thread applies them; both change in place. */
  readonly limits: Pick<ServerConfig, "maxFrame">;
  readonly contentLimits: ContentLimits;
  readonly limitLog: LimitLog;
  readonly reserve: DescriptorReserve;
  readonly ends: ThreadEnds;
  readonly nursery: Nursery;
  readonly modules: ModuleStore;
  readonly journals: PluginJournals;
  readonly log: Log;
  readonly now: () => number;
  /** So many ms since then nothing could get on: the process was stopped. */
  readonly lostSince: (time: number) => number;
  /** Lets the sockets be looked at soon: where replies come, more requests are on their way. */
  readonly wake: () => void;
  /** A module that is loaded beside others, for what it declares, gets so long, in ms; without it, 3 s. */
  readonly surveyMs?: number | undefined;
}

/**
 * Builds a plugin: its queue, its cache, and the pool of its workers, which are still to be started.
 *
 * @param held the files that its workers run
 */
export function buildPlugin(
  config: PluginConfig,
  settings: WorkerSettings,
  held: HeldFiles,
  parts: PluginParts,
): RoutedPlugin {
  const { budget, segments, routes, limitLog, reserve, ends, nursery, log, now, wake, limits } = parts;
  const onCross = fillLogger(log, `the queue of plugin ${config.name}`);
  const queue = new OperationQueue(config.queue, budget, segments, onCross, partsOf(config));
  const full = () => limitLog.reached("cache", { plugin: config.name });
  const cache = new Cache(config.cache, now, full);
  const services = new PluginServices(() => routed, new CacheRequests(cache), parts);
  const dedup = new Dedup(config.dedup);
  const pool = new WorkerPool({
    ...settings,
    queue,
    log,
    now,
    lostSince: parts.lostSince,
    mayStart: (isNeeded) => reserve.makeRoom((nursery.starting + 1) * WORKER_DESCRIPTORS, isNeeded),
    mayEnd: () => ends.mayEnd(),
    startHostWorker: nursery.start,
    demoteThreads: nursery.demote,
    discard: segments.discard,
    ...held,
    life: config,
    dedup,
    random: Math.random,
    clock: () => new Date(),
    events: {
      ...outcomeDelivery(routes, () => maxReplyBytes(limits)),
      answered: () => {
        routes.flush();
        wake();
      },
      declared: (declaration) => routed.declared(declaration),
      asked: (worker, request) => services.asked(worker, request),
      gone: (worker) => services.gone(worker),
      limits: tellLimits(config.name, limitLog),
    },
  });
  const routed = new RoutedPlugin(config.name, queue, pool, cache, dedup);
  return routed;
}

/** Counts the limits that were reached in a plugin's workers; that it has too many figures is said once. */
function tellLimits(plugin: string, limitLog: LimitLog): (reached: FigureReport["limits"]) => void {
  let saidFigures = false;
  return ({ depth, keys, figures }) => {
    if (depth > 0) limitLog.reached("max_depth", { plugin }, depth);
    if (keys > 0) limitLog.reached("max_keys", { plugin }, keys);
    if (figures === 0) return;
    if (saidFigures) limitLog.count("figures", figures);
    else limitLog.reached("figures", { plugin, max_figures: MAX_FIGURES }, figures);
    saidFigures = true;
  };
}
