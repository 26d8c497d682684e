import { join } from "node:path";
import type { ServerConfig } from "../config/config.ts";
import { Forwards } from "../forward/forwards.ts";
import { LimitLog } from "../observe/limit_log.ts";
import { ServerCounters, type ServerStats } from "../observe/server_stats.ts";
import type { ContentLimits } from "../protocol/content_limits.ts";
import { Operations } from "../operations/operations.ts";
import { QueueBudget } from "../queue/operation_queue.ts";
import { Registry } from "../router/registry.ts";
import { ReplyRoutes } from "../router/reply_routes.ts";
import { Router } from "../router/router.ts";
import { dataFolder } from "./data_folder.ts";
import { fillLogger } from "./fill_logger.ts";
import type { ServerOptions } from "./server_options.ts";

/** The way of a message to a plugin's queue and of its reply back, and what is counted on it. */
export class Routing {
  readonly counters = new ServerCounters();
  readonly registry = new Registry();
  readonly routes = new ReplyRoutes(this.counters);
  readonly budget: QueueBudget;
  readonly limitLog: LimitLog;
  /** Those that count now; written in place. */
  readonly limits: { -readonly [Key in keyof ServerConfig]: ServerConfig[Key] };
  readonly contentLimits: { -readonly [Key in keyof ContentLimits]: ContentLimits[Key] };
  readonly forwards: Forwards;
  readonly router: Router;
  readonly operations: Operations;

  /** @param now monotonic, in ms */
  constructor(
    { log, config: { server }, env = {} }: ServerOptions,
    now: () => number,
    stats: () => ServerStats,
  ) {
    const { counters, registry, routes } = this;
    this.budget = new QueueBudget(server.maxQueueBytes, fillLogger(log, "the memory for all queues"));
    const limitLog = this.limitLog = new LimitLog(log, now);
    const limits = this.limits = { ...server };
    const contentLimits = this.contentLimits = { depth: server.maxDepth, keys: server.maxKeys };
    const known = { registry, counters, routes, contentLimits, limitLog, log, now };
    this.forwards = new Forwards({ ...known, timeout: () => limits.forwardTimeout });
    this.router = new Router({ ...known, forwards: this.forwards, stats });
    this.operations = new Operations({
      router: this.router,
      routes,
      limits,
      undoFolder: () => {
        const data = dataFolder(server, env);
        // No plugin's journal lies there: a name that begins with a point is written otherwise.
        return data === null ? null : join(data, ".undo");
      },
      now,
      clock: Date.now,
    });
  }
}
