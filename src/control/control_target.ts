import type { Alerts } from "../alerts/alerts.ts";
import type { LimitLog } from "../observe/limit_log.ts";
import type { Log } from "../observe/log.ts";
import type { ServerStats } from "../observe/server_stats.ts";
import type { Operations } from "../operations/operations.ts";
import type { AuditLog } from "./audit_log.ts";
import type { RoutedPlugin } from "../router/routed_plugin.ts";
import type { LimitEdits, LimitsReport } from "./limits_report.ts";
import type { ReloadReport } from "./reload_report.ts";
import type { StopReport } from "./stop_report.ts";

/** What control commands do things to: the server. */
export interface ControlTarget {
  readonly log: Log;
  readonly limitLog: LimitLog;
  readonly alerts: Alerts;
  /** Who has changed what. */
  readonly audit: AuditLog;
  /** Looks at operations, and changes many of them. */
  readonly operations: Operations;
  stats(): ServerStats;
  /** The plugin of that name or business number, or null. */
  plugin(name: string): RoutedPlugin | null;
  /** The same; throws ControlRefusal where there is none. */
  pluginOf(name: string): RoutedPlugin;
  /** Changes limits of a plugin until the next reload; rejects with ControlRefusal where that cannot be, and nothing has changed then. */
  changeLimits(plugin: string, limits: LimitEdits, isDry: boolean): Promise<LimitsReport>;
  /** The names of all. */
  plugins(): string[];
  /** Starts to stop, or joins the stop that is under way. Resolves when all but the control sockets are closed. */
  drain(): Promise<StopReport>;
  /** The same, at once. */
  stopNow(): Promise<StopReport>;
  /**
   * Loads the config again and takes it over; rejects with ReloadError where nothing has changed for that reason.
   *
   * @param isDry tells what would change, and changes nothing
   */
  reload(isDry: boolean): Promise<ReloadReport>;
  /** How long a drain may take, in ms. */
  drainTimeout(): number;
}
