import type { History, PluginDetails, Stats } from "../../admin/api.ts";
import { segment } from "../api_client.ts";
import { bar } from "../components/bar.ts";
import { button, segments } from "../components/button.ts";
import { emptyState, notice } from "../components/notice.ts";
import { adviceOf, sentenceOf } from "../finding_text.ts";
import { html, nothing, type TemplateResult } from "../lit.ts";
import type { Page, View } from "../page.ts";
import { openPause, openPurge, openRetryDead } from "../plugin_actions.ts";
import { pluginState } from "../plugin_state.ts";
import { openReload } from "../server_actions.ts";
import { type Range, RANGES } from "./chart_models.ts";
import { aboutCard, commandsCard, limitsCard, timersCard, workersCard } from "./plugin_cards.ts";
import { PluginCharts } from "./plugin_charts.ts";

const DETAILS_MS = 2000;
const HISTORY_MS = 2000;

/** One plugin: an hour of it, its workers, commands and limits. */
export function pluginView(page: Page): View {
  const name = page.route.segments[1]!;
  const { t } = page;
  const path = segment(name);
  const charts = new PluginCharts(page);
  let details: PluginDetails | null = null;
  let problem: string | null = null;
  page.poll<PluginDetails>({
    everyMs: DETAILS_MS,
    load: (signal) => page.api.get(`plugins/${path}`, {}, signal),
    apply: (value) => [details, problem] = [value, null],
    failed: (error) => problem = error.message,
  });
  page.poll<History>({
    everyMs: HISTORY_MS,
    load: (signal) => page.api.get("history", { plugin: name }, signal),
    apply: (value) => charts.have(value),
  });
  const range = (): Range => page.route.query.get("range") === "5m" ? "5m" : "1h";
  return {
    title: () => name,
    tools: () =>
      segments(
        t("plugin.range"),
        range(),
        RANGES.map((value) => ({ value, text: t(`plugin.range.${value}`) })),
        (value) => page.filter({ range: value === "1h" ? null : value }),
      ),
    routed: () => {},
    render: () => {
      const plugin = page.stats?.plugins.find((each) => each.name === name);
      if (page.stats === null) {
        return html`
          <p class="empty" role="status">${t("shell.loading")}</p>
        `;
      }
      if (plugin === undefined) {
        return emptyState(
          "plugin",
          t("plugin.none", { plugin: name }),
          "",
          html`
            <a href="#/">${t("shell.missing.back")}</a>
          `,
        );
      }
      return html`
        ${head(page, plugin, details)}${troubles(page, name)}${figures(page, plugin, details)} ${charts
          .render(range())} ${problem === null || details !== null
          ? nothing
          : notice("warn", t("shell.error", { why: problem }))} ${details === null ? nothing : html`
          <div class="columns">${workersCard(page, details)}${commandsCard(page, details)}</div>
          <div class="columns">${limitsCard(page, details)}<div class="view">${aboutCard(
            page,
            plugin,
            details,
          )}${timersCard(page, details)}</div></div>
        `}
      `;
    },
  };
}

function head(page: Page, plugin: Stats["plugins"][number], details: PluginDetails | null): TemplateResult {
  const { t } = page;
  const { name, paused } = plugin;
  return html`
    <div class="plugin-head">
      ${pluginState(page, plugin)}
      <span class="soft">${plugin.description || details?.description || ""}</span>
      ${page.mayControl(name)
        ? html`
          <div class="button-row">
            ${button(t(paused ? "action.resume" : "action.pause"), () => openPause(page, name, !paused), {
              icon: paused ? "play" : "pause",
              name: paused ? "resume" : "pause",
            })} ${button(t("action.retry_dead"), () => openRetryDead(page, name), {
              icon: "retry",
              name: "retry-dead",
              disabled: plugin.dead === 0,
            })} ${button(t("action.purge_dead"), () => openPurge(page, name, true), {
              kind: "danger",
              name: "purge-dead",
              disabled: plugin.dead === 0,
            })} ${button(t("action.purge"), () => openPurge(page, name, false), {
              kind: "danger",
              icon: "trash",
              name: "purge",
            })} ${page.mayControl()
              ? button(t("action.reload"), () => openReload(page), { icon: "reload", name: "reload" })
              : nothing}
          </div>
        `
        : nothing}
    </div>
  `;
}

function troubles(page: Page, name: string): TemplateResult[] {
  return page.findings.filter(({ plugin, level }) => plugin === name && level !== "note")
    .map((finding) =>
      notice(
        finding.level === "bad" ? "bad" : "warn",
        `${sentenceOf(page, finding)}. ${adviceOf(page, finding)}`,
      )
    );
}

function figures(
  page: Page,
  plugin: Stats["plugins"][number],
  details: PluginDetails | null,
): TemplateResult {
  const { t, format } = page;
  const waiting = plugin.queued + plugin.in_flight + plugin.delayed + plugin.retrying;
  const share = Math.max(waiting / plugin.max_ops, plugin.queue_bytes / plugin.max_bytes);
  const fullIn = details?.bound.full_in_ms ?? null;
  const until = plugin.queue_level === "full"
    ? t("plugin.full_now")
    : fullIn === null
    ? t("plugin.full_never")
    : t("plugin.full_in");
  const figure = (name: string, label: string, value: string, note: TemplateResult | string = "") =>
    html`
      <div class="tile" data-name="${`figure-${name}`}">
        <span class="tile-label">${label}</span>
        <span class="tile-value">${value}</span><span class="tile-note">${note}</span>
      </div>
    `;
  return html`
    <div class="figures">
      ${figure(
        "queued",
        t("plugin.waiting"),
        format.count(plugin.queued),
        html`
          ${t("overview.of", { max: format.short(plugin.max_ops) })}${bar(share)}
        `,
      )} ${figure(
        "until",
        t("plugin.full_in.label"),
        fullIn === null || plugin.queue_level === "full" ? "–" : format.ms(fullIn),
        until,
      )} ${figure(
        "running",
        t("plugin.running"),
        format.count(plugin.in_flight),
        `${plugin.workers_running} / ${plugin.workers} ${t("plugin.workers")}`,
      )} ${figure(
        "delayed",
        t("plugin.delayed"),
        `${format.count(plugin.delayed)}, ${format.count(plugin.retrying)}`,
      )} ${figure("done", t("plugin.done_total"), format.count(plugin.done))} ${figure(
        "failed",
        t("plugin.failed_total"),
        format.count(plugin.failed),
      )} ${figure("dead", t("plugin.dead"), format.count(plugin.dead))}
    </div>
  `;
}
