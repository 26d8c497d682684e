import type { AlertReceiver, AlertRule } from "../alerts/alert_rule.ts";
import { ALERT_KINDS } from "../alerts/alert_rule.ts";
import { didYouMean } from "../nearest.ts";
import type { ConfigProblem, KeyPath } from "./config_error.ts";
import { isTable, type Table } from "./is_table.ts";

/** A `[[alert]]` whose values are right. */
export interface AlertTable {
  readonly name: string;
  readonly plugin?: string | undefined;
  readonly queue?: number | undefined;
  readonly failures?: number | undefined;
  readonly crashes?: number | undefined;
  readonly oldest?: number | undefined;
  readonly busy?: number | undefined;
  readonly journal?: true | undefined;
  readonly down?: true | undefined;
  readonly certificate?: number | undefined;
  readonly window: number;
  readonly min_ops: number;
  readonly for: number;
  readonly clear: number;
  readonly repeat: number;
  readonly to: readonly string[];
}

/** A `[[receiver]]` whose values are right. */
export interface ReceiverTable {
  readonly name: string;
  readonly webhook?: string | undefined;
  readonly format: "json" | "slack";
  readonly headers: Readonly<Record<string, string>>;
  readonly command?: readonly string[] | undefined;
  readonly timeout: number;
}

/** What is wrong with an alert beside its values. */
export function alertProblem(alert: Table): string | undefined {
  const given = ALERT_KINDS.filter((key) => Object.hasOwn(alert, key));
  if (given.length !== 1) {
    return `expected one of ${ALERT_KINDS.join(", ")}, got ${given.join(" and ") || "none"}`;
  }
  if (given[0] !== "certificate" || !Object.hasOwn(alert, "plugin")) return undefined;
  return "certificates are of listeners: plugin is not for them";
}

/** What is wrong with a receiver beside its values. */
export function receiverProblem(receiver: Table): string | undefined {
  const given = ["webhook", "command"].filter((key) => Object.hasOwn(receiver, key));
  if (given.length !== 1) return `expected one of webhook, command, got ${given.join(" and ") || "none"}`;
  if (given[0] === "webhook") return undefined;
  const foreign = ["format", "headers"].find((key) => Object.hasOwn(receiver, key));
  return foreign === undefined ? undefined : `${foreign} is for a webhook alone`;
}

/** Receivers that alerts name and that are not there. */
export function unknownReceivers({ alert, receiver }: Table): (ConfigProblem & { readonly path: KeyPath })[] {
  const names = rows(receiver).flatMap(({ name }) => typeof name === "string" ? [name] : []);
  return rows(alert).flatMap(({ to }, at) =>
    (Array.isArray(to) ? to : [to]).flatMap((name: unknown) =>
      typeof name !== "string" || name === "" || names.includes(name) ? [] : [{
        path: ["alert", at, "to"],
        message: `there is no [[receiver]] named ${JSON.stringify(name)}${didYouMean(name, names)}`,
      }]
    )
  );
}

/** What is said of alerts that nobody is told, or that watch nothing; a sentence each. */
export function doubtfulAlerts(
  alerts: readonly AlertRule[],
  receivers: readonly AlertReceiver[],
  plugins: readonly string[],
): string[] {
  const none = alerts.length > 0 && receivers.length === 0
    ? ["there is no [[receiver]]: alerts are told in the log alone"]
    : [];
  return [
    ...none,
    ...alerts.flatMap(({ name, plugin }) =>
      plugin === null || plugins.includes(plugin)
        ? []
        : [`alert ${name}: there is no plugin ${JSON.stringify(plugin)}${didYouMean(plugin, plugins)}`]
    ),
  ];
}

export function alertRule(alert: AlertTable): AlertRule {
  const kind = ALERT_KINDS.find((each) => alert[each] !== undefined)!;
  const threshold = alert[kind]!;
  return {
    name: alert.name,
    kind,
    threshold: threshold === true ? 1 : threshold,
    plugin: alert.plugin ?? null,
    window: alert.window,
    minOps: alert.min_ops,
    for: alert.for,
    clear: alert.clear,
    repeat: alert.repeat,
    to: alert.to,
  };
}

export function alertReceiver({ name, timeout, ...receiver }: ReceiverTable): AlertReceiver {
  const { webhook: url, command = [], format, headers } = receiver;
  return url === undefined
    ? { kind: "command", name, timeout, command }
    : { kind: "webhook", name, timeout, url, format, headers };
}

function rows(list: unknown): Table[] {
  return Array.isArray(list) ? list.filter(isTable) : [];
}
