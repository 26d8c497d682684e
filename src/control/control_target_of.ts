import type { Alerts } from "../alerts/alerts.ts";
import type { LimitLog } from "../observe/limit_log.ts";
import type { Log } from "../observe/log.ts";
import type { ServerStats } from "../observe/server_stats.ts";
import type { Operations } from "../operations/operations.ts";
import type { Registry } from "../router/registry.ts";
import type { AuditLog } from "./audit_log.ts";
import { ControlRefusal, shown } from "./control_request.ts";
import type { RoutedPlugin } from "../router/routed_plugin.ts";
import type { ControlTarget } from "./control_target.ts";
import type { StopReport } from "./stop_report.ts";

/** A server as its control socket sees it. */
export interface ControlledServer {
  readonly registry: Registry;
  stats(): ServerStats;
  readonly audit: AuditLog;
  drain(): Promise<StopReport>;
}

export interface ControlParts {
  readonly log: Log;
  readonly limitLog: LimitLog;
  readonly operations: Operations;
  readonly alerts: Alerts;
  /** Those that count now. */
  readonly limits: { readonly drainTimeout: number };
  /** See {@link ControlTarget.reload}. */
  readonly reload: ControlTarget["reload"];
  /** See {@link ControlTarget.changeLimits}. */
  readonly changeLimits: ControlTarget["changeLimits"];
  /** Resolves when all but the control sockets is closed. */
  readonly reported: PromiseWithResolvers<StopReport>;
  /** Gives up waiting for what is queued. */
  readonly hurry: () => void;
}

/** What the control socket's commands do with a server. */
export function controlTargetOf(server: ControlledServer, parts: ControlParts): ControlTarget {
  const { log, limitLog, operations, alerts, limits, reload, changeLimits, reported, hurry } = parts;
  const begin = (): Promise<StopReport> => {
    server.drain().catch(reported.reject);
    return reported.promise;
  };
  return {
    log,
    limitLog,
    operations,
    alerts,
    stats: () => server.stats(),
    plugin: (name) => server.registry.named(name),
    pluginOf: (name) => pluginOf(server.registry, name),
    changeLimits,
    plugins: () => server.registry.plugins.map(({ name }) => name),
    audit: server.audit,
    reload,
    drain: begin,
    stopNow: () => {
      hurry();
      return begin();
    },
    drainTimeout: () => limits.drainTimeout,
  };
}

function pluginOf(registry: Registry, name: string): RoutedPlugin {
  const plugin = registry.named(name);
  if (plugin !== null) return plugin;
  const names = registry.plugins.map((each) => each.name).join(", ");
  throw new ControlRefusal(
    `there is no plugin ${shown(name)}; there is ${names || "none at all"}`,
    "unknown",
  );
}
