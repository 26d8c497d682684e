import { isDeepStrictEqual } from "node:util";
import type { AlertFigures, CertificateFigures, PluginFigures } from "../alerts/alert_figures.ts";
import { AlertSender, waitFor } from "../alerts/alert_sender.ts";
import { type AlertConfig, Alerts } from "../alerts/alerts.ts";
import type { RoutedPlugin } from "../router/routed_plugin.ts";
import type { PluginSet } from "./plugin_set.ts";
import type { ServerOptions } from "./server_options.ts";

/** What is being sent when the server stops gets so long, in ms. */
const CLOSE_GRACE_MS = 1000;

/** The server's alerts: what they look at, and how they are sent. */
export class Alerting {
  readonly alerts: Alerts;
  readonly #sender = new AlertSender();

  constructor(
    { config, log }: ServerOptions,
    plugins: PluginSet,
    certificates: () => readonly CertificateFigures[],
  ) {
    this.alerts = new Alerts({
      log,
      now: plugins.parts.now,
      clock: Date.now,
      server: Deno.hostname(),
      figures: (): AlertFigures => ({
        plugins: plugins.registry.plugins.map((plugin) => figuresOf(plugin, plugins.parts.now())),
        certificates,
      }),
      send: this.#sender.send,
      wait: waitFor,
    });
    this.take(config);
  }

  /** Goes on with another config. */
  take(config: AlertConfig): void {
    this.#sender.prepare(config.receivers);
    this.alerts.take(config);
  }

  /** To be called about once a second. */
  look(): void {
    this.alerts.look();
  }

  async close(): Promise<void> {
    await this.alerts.close(CLOSE_GRACE_MS);
    this.#sender.close();
  }
}

/** What another config changes of alerts and receivers, a sentence each: of receivers nothing that may be a secret. */
export function alertChanges(before: AlertConfig, after: AlertConfig): string[] {
  return [
    ...changes("alert", before.alerts, after.alerts),
    ...changes("receiver", before.receivers, after.receivers),
  ];
}

function changes<T extends { readonly name: string }>(
  what: string,
  before: readonly T[],
  after: readonly T[],
): string[] {
  const old = new Map(before.map((each) => [each.name, each]));
  const changed = after.flatMap((each) => {
    const was = old.get(each.name);
    old.delete(each.name);
    if (was === undefined) return [`${what} ${each.name} added`];
    return isDeepStrictEqual(was, each) ? [] : [`${what} ${each.name} changed`];
  });
  return [...changed, ...[...old.keys()].map((name) => `${what} ${name} removed`)];
}

function figuresOf({ name, queue, pool, busy }: RoutedPlugin, now: number): PluginFigures {
  const { outcomes, health } = pool;
  return {
    name,
    ops: queue.ops,
    maxOps: queue.limits.maxOps,
    bytes: queue.bytes,
    maxBytes: queue.limits.maxBytes,
    oldest: queue.waiting === 0 ? 0 : Math.max(0, now - queue.oldestSince),
    done: outcomes.done,
    failed: outcomes.failed - outcomes.refused,
    restarts: health.restarts,
    busy,
    journalProblem: queue.durability?.problem ?? null,
    down: health.down,
  };
}
