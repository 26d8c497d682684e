import type { PluginConfig } from "../config/config.ts";
import type { Log } from "../observe/log.ts";
import type { Encoding } from "../protocol/body.ts";
import { ReplyCode } from "../protocol/codes.ts";
import { errorContent } from "../protocol/error_content.ts";
import { OperationQueue, type QueueBudget } from "../queue/operation_queue.ts";
import { OperationRecord } from "../queue/record.ts";
import type { SegmentPool } from "../queue/segment.ts";
import { Affinity } from "../router/affinity.ts";
import { Cache } from "../router/cache.ts";
import type { ReplyRoutes } from "../router/reply_routes.ts";
import { RoutedPlugin } from "../router/routed_plugin.ts";
import { fillLogger } from "./fill_logger.ts";
import type { CacheRequest } from "../worker/messages.ts";
import { WorkerPool, type WorkerSettings } from "../worker/pool.ts";

export interface PluginParts {
  readonly budget: QueueBudget;
  readonly segments: SegmentPool;
  readonly routes: ReplyRoutes;
  readonly log: Log;
  readonly now: () => number;
  /** Lets the sockets be looked at soon: where replies come, more requests are on their way. */
  readonly wake: () => void;
}

/** Builds a plugin: its queue, its cache, and the pool of its workers, which are still to be started. */
export function buildPlugin(
  config: PluginConfig,
  settings: WorkerSettings,
  parts: PluginParts,
): RoutedPlugin {
  const { budget, segments, routes, log, now, wake } = parts;
  const onCross = fillLogger(log, `the queue of plugin ${config.name}`);
  const queue = new OperationQueue(config.queue, budget, segments, onCross, partsOf(config));
  const cache = new Cache(config.cache, now);
  const pool = new WorkerPool({
    ...settings,
    queue,
    log,
    now,
    events: {
      answer: (segment, offset, reply, bytes) =>
        routes.deliver(
          OperationRecord.routeSlot(segment, offset),
          OperationRecord.routeGeneration(segment, offset),
          OperationRecord.requestId(segment, offset),
          reply.code,
          reply.encoding as Encoding | 0,
          bytes,
          reply.at,
          reply.length,
        ),
      fail: (segment, offset, message) => {
        const encoding = OperationRecord.encoding(segment, offset) as Encoding;
        const content = errorContent(encoding, ReplyCode.Error, message);
        routes.deliver(
          OperationRecord.routeSlot(segment, offset),
          OperationRecord.routeGeneration(segment, offset),
          OperationRecord.requestId(segment, offset),
          ReplyCode.Error,
          encoding,
          content,
          0,
          content.length,
        );
      },
      answered: () => {
        routes.flush();
        wake();
      },
      cache: (request) => runCacheRequest(cache, request),
    },
  });
  const affinity = config.affinity === undefined ? null : new Affinity(config.affinity, queue);
  return new RoutedPlugin(config.name, queue, pool, cache, affinity);
}

/** How many parts the plugin's queue has. */
export function partsOf({ affinity, workers }: PluginConfig): number {
  return affinity === undefined ? 1 : workers;
}

function runCacheRequest(cache: Cache, request: CacheRequest): string | boolean | undefined {
  switch (request.operation) {
    case "get":
      return cache.get(request.key);
    case "set":
      return cache.set(request.key, request.value, request.expire);
    case "delete":
      return cache.delete(request.key);
    case "clear":
      cache.clear();
      return true;
  }
}
