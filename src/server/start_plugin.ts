import { fileURLToPath } from "node:url";
import type { PluginConfig, PluginPermissions, ServerConfig } from "../config/config.ts";
import type { Log } from "../observe/log.ts";
import { bodyBytes, Encoding } from "../protocol/body.ts";
import { ReplyCode } from "../protocol/codes.ts";
import { errorContent } from "../protocol/error_content.ts";
import { PREFIX_BYTES } from "../protocol/frame.ts";
import { REPLY_HEADER_BYTES } from "../protocol/reply.ts";
import { OperationQueue, type QueueBudget } from "../queue/operation_queue.ts";
import { OperationRecord } from "../queue/record.ts";
import type { SegmentPool } from "../queue/segment.ts";
import { Affinity } from "../router/affinity.ts";
import { Cache } from "../router/cache.ts";
import type { ReplyRoutes } from "../router/reply_routes.ts";
import { RoutedPlugin } from "../router/routed_plugin.ts";
import { fillLogger } from "./fill_logger.ts";
import type { CacheRequest } from "../worker/messages.ts";
import { WorkerPool } from "../worker/pool.ts";

export interface PluginParts {
  readonly server: ServerConfig;
  readonly budget: QueueBudget;
  readonly segments: SegmentPool;
  readonly routes: ReplyRoutes;
  readonly log: Log;
  readonly now: () => number;
  /** Lets the sockets be looked at soon: where replies come, more requests are on their way. */
  readonly wake: () => void;
}

/** Builds a plugin's queue, cache and workers and waits until they are ready. Rejects where its module does not load. */
export async function startPlugin(config: PluginConfig, parts: PluginParts): Promise<RoutedPlugin> {
  const { server, budget, segments, routes, log, now, wake } = parts;
  const maxReplyBytes = server.maxFrame - PREFIX_BYTES - REPLY_HEADER_BYTES - bodyBytes(Encoding.Hdf, 0);
  const onCross = fillLogger(log, `the queue of plugin ${config.name}`);
  const partCount = config.affinity === undefined ? 1 : config.workers;
  const queue = new OperationQueue(config.queue, budget, segments, onCross, partCount);
  const cache = new Cache(config.cache, now);
  const pool = new WorkerPool({
    setup: {
      name: config.name,
      biz: config.biz,
      module: config.module,
      config: config.config,
      concurrency: config.concurrency,
      timeout: config.timeout,
      grace: config.grace,
      maxReplyBytes,
      exposeTrace: config.exposeTrace,
    },
    workers: config.workers,
    isolation: config.isolation,
    maxMemory: config.maxMemory,
    recycleAfter: config.recycleAfter,
    permissions: workerPermissions(config.permissions, config.module),
    maxContentBytes: server.maxFrame,
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
  try {
    await pool.start();
  } catch (error) {
    await pool.stop(0, Promise.resolve());
    throw error;
  }
  const affinity = config.affinity === undefined ? null : new Affinity(config.affinity, queue);
  const plugin = new RoutedPlugin(config.name, queue, pool, cache, config.workers, affinity);
  plugin.declared();
  return plugin;
}

/** What a plugin's workers may do: what the config grants, and read the folder of their own module. */
function workerPermissions(granted: PluginPermissions, module: string): Deno.PermissionOptionsObject {
  const own = module.startsWith("file:") ? [fileURLToPath(new URL(".", module))] : [];
  const list = (permission: boolean | readonly string[]) =>
    typeof permission === "boolean" ? permission : [...permission];
  return {
    net: list(granted.net),
    write: list(granted.write),
    env: list(granted.env),
    run: list(granted.run),
    sys: list(granted.sys),
    ffi: list(granted.ffi),
    import: list(granted.import),
    read: granted.read === true || (granted.read === false && own.length === 0)
      ? granted.read
      : [...granted.read === false ? [] : granted.read, ...own],
  };
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
