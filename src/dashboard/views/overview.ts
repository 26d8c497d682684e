import type { History, Series, Stats } from "../../admin/api.ts";
import { badge } from "../components/badge.ts";
import { button } from "../components/button.ts";
import { card } from "../components/card.ts";
import { icon } from "../components/icon.ts";
import { emptyState } from "../components/notice.ts";
import "../components/spark_line.ts";
import { adviceOf, linksOf, sentenceOf } from "../finding_text.ts";
import { sickFirst } from "../health.ts";
import { html, nothing, type TemplateResult } from "../lit.ts";
import type { Page, View } from "../page.ts";
import type { TextKey } from "../texts.ts";
import { openDrain, openReload } from "../server_actions.ts";
import { pluginRows } from "./plugin_rows.ts";

const HISTORY_MS = 5000;
/** Further findings stand at their plugins. */
const MOST_FINDINGS = 4;
/** With more plugins there is a field to find one. */
const MANY_PLUGINS = 8;
const WORKING_RATE = 0.05;

/** How the server is doing, and what to do about it. */
export function overviewView(page: Page): View {
  let history: History | null = null;
  page.poll<History>({
    everyMs: HISTORY_MS,
    load: (signal) => page.api.get("history", {}, signal),
    apply: (value) => {
      history = value;
    },
  });
  return {
    title: () => page.t("nav.overview"),
    render: () => {
      const { stats, t } = page;
      if (stats === null) {
        return html`
          <p class="empty" role="status">${t("shell.loading")}</p>
        `;
      }
      if (stats.plugins.length === 0) {
        return html`
          ${plugins(page, stats, history)}${server(page, stats)}
        `;
      }
      return html`
        ${verdict(page, stats)}${tiles(page, stats, history)}${plugins(page, stats, history)}${server(
          page,
          stats,
        )}
      `;
    },
  };
}

function verdict(page: Page, stats: Stats): TemplateResult {
  const { t, findings, format } = page;
  const told = findings.filter(({ level }) => level !== "note");
  const [worst, ...others] = told;
  if (worst === undefined) {
    const done = page.rates.total?.done ?? 0;
    return html`
      <section class="card verdict is-good" aria-live="polite" data-name="verdict">
        <span class="verdict-mark">${icon("good")}</span>
        <div class="verdict-text">
          <p class="verdict-title">${t("overview.well")}</p>
          <p class="soft">${done >= WORKING_RATE || stats.plugins.some(({ in_flight }) => in_flight > 0)
            ? t("overview.well.busy", { done: format.rate(done) })
            : t("overview.well.idle")}</p>
        </div>
      </section>
    `;
  }
  const shown = others.slice(0, MOST_FINDINGS - 1);
  const more = others.length - shown.length;
  return html`
    <section class="card verdict is-${worst.level}" aria-live="polite" data-name="verdict">
      <span class="verdict-mark">${icon(worst.level === "bad" ? "bad" : "warn")}</span>
      <div class="verdict-text">
        <p class="verdict-title">${sentenceOf(page, worst)}</p>
        <p class="soft">${adviceOf(page, worst)}</p>
        ${shown.length === 0 ? nothing : html`
          <ul class="verdict-list">${shown.map((finding) =>
            html`
              <li>
                <span class="is-${finding.level}">${icon(finding.level === "bad" ? "bad" : "warn")}</span>
                <span class="strong">${sentenceOf(page, finding)}</span>
              </li>
            `
          )}${more === 0 ? nothing : html`
            <li class="quiet">${t("overview.more", { n: more })}</li>
          `}</ul>
        `}
      </div>
      <div class="verdict-tools">${linksOf(page, worst).map(({ text, href }) =>
        html`
          <a class="button" href="${href}">${text}</a>
        `
      )}</div>
    </section>
  `;
}

function tiles(page: Page, stats: Stats, history: History | null): TemplateResult {
  const { t, format, rates } = page;
  const series = history?.fine.series;
  const perSecond = (value: number | undefined) =>
    html`
      ${format.rate(value ?? null)}<span class="tile-unit">${t("overview.per_second")}</span>
    `;
  const total = (sum: number) => t("overview.since_start", { n: format.short(sum) });
  const sum = (key: "accepted" | "done" | "failed" | "busy") =>
    stats.plugins.reduce((all, each) => all + each[key], 0);
  const oldest = stats.plugins.reduce<Stats["plugins"][number] | null>(
    (most, each) => each.oldest_wait_ms > (most?.oldest_wait_ms ?? 0) ? each : most,
    null,
  );
  const journals = stats.plugins.flatMap(({ journal }) => journal === null ? [] : [journal]);
  const commit = Math.max(0, ...journals.map(({ commit_us_last_minute }) => commit_us_last_minute.p99));
  const unsynced = journals.reduce((all, { unsynced_bytes }) => all + unsynced_bytes, 0);
  return html`
    <section class="tiles" aria-label="${t("overview.figures")}">
      ${tile(
        "in",
        t("overview.in"),
        perSecond(rates.total?.in),
        total(sum("accepted")),
        series?.in_per_second,
        "--ink-2",
      )} ${tile(
        "done",
        t("overview.done"),
        perSecond(rates.total?.done),
        total(sum("done")),
        series?.done_per_second,
        "--accent",
      )} ${tile(
        "failed",
        t("overview.failed"),
        perSecond(rates.total?.failed),
        total(sum("failed")),
        series?.failed_per_second,
        "--bad",
      )} ${tile(
        "refused",
        t("overview.refused"),
        perSecond(rates.total?.refused),
        total(sum("busy")),
        series?.refused_per_second,
        "--warn",
      )} ${tile(
        "oldest",
        t("overview.oldest"),
        html`
          ${format.ms(oldest?.oldest_wait_ms ?? 0)}
        `,
        oldest === null ? t("overview.oldest.none") : oldest.name,
        series?.oldest_ms,
        "--ink-2",
      )} ${tile(
        "commit",
        t("overview.commit"),
        html`
          ${journals.length === 0 ? "–" : format.us(commit)}
        `,
        journals.length === 0
          ? t("overview.commit.none")
          : t("overview.commit.unsynced", { bytes: format.bytes(unsynced) }),
        series?.commit_p99_us,
        "--ink-2",
      )}
    </section>
  `;
}

/** The same object as long as the series is: the curve is not drawn again for nothing. */
const models = new WeakMap<Series, { readonly line: Series; readonly colour: string }>();

function tile(
  name: string,
  label: string,
  value: TemplateResult,
  note: string,
  series: Series | undefined,
  colour: string,
): TemplateResult {
  let model = series === undefined ? null : models.get(series) ?? null;
  if (series !== undefined && model === null) models.set(series, model = { line: series, colour });
  return html`
    <div class="tile" data-name="${`tile-${name}`}">
      <span class="tile-label" title="${label}">${label}</span>
      <span class="tile-value">${value}</span><span class="tile-note" title="${note}">${note}</span>
      <spark-line .model="${model}"></spark-line>
    </div>
  `;
}

function plugins(page: Page, stats: Stats, history: History | null): TemplateResult {
  const { t } = page;
  if (stats.plugins.length === 0) {
    return html`
      <section class="card">${emptyState(
        "plugin",
        t("overview.no_plugins"),
        t("overview.no_plugins.how"),
      )}</section>
    `;
  }
  const filter = page.route.query.get("find") ?? "";
  const names = sickFirst(stats, page.findings).filter((name) =>
    name.toLowerCase().includes(filter.toLowerCase())
  );
  const field = stats.plugins.length < MANY_PLUGINS && filter === "" ? undefined : html`
    <input
      class="input"
      type="search"
      data-filter
      aria-label="${t("overview.filter")}"
      placeholder="${t("overview.filter")}"
      value="${filter}"
      @input="${(event: InputEvent) => page.filter({ find: (event.target as HTMLInputElement).value })}"
    >
  `;
  const title = `${t("overview.plugins")} · ${page.format.count(stats.plugins.length)}`;
  return card(
    title,
    names.length === 0
      ? html`
        <p class="card-note">${t("overview.filter.none", { text: filter })}</p>
      `
      : pluginRows(page, stats, names, history?.plugins),
    field,
  );
}

function server(page: Page, stats: Stats): TemplateResult {
  const { t, format } = page;
  const { connections, rss_bytes, queue_bytes, max_queue_bytes, disk_bytes, max_disk } = stats;
  const of = (some: number, most: number) =>
    html`
      ${format.bytes(some)} <span class="quiet">${t("overview.of", { max: format.bytes(most) })}</span>
    `;
  const state = stateOf(stats);
  const fact = (name: TextKey, value: TemplateResult | string) =>
    html`
      <div>
        <dt>${t(name)}</dt>
        <dd>${value}</dd>
      </div>
    `;
  return card(
    t("overview.server"),
    html`
      <div class="card-body">
        <dl class="facts is-wide">
          ${fact(
            "overview.state",
            badge(state === "running" ? "good" : "warn", t(`shell.state.${state}`)),
          )} ${fact(
            "overview.version",
            html`
              ${stats.version} <span class="quiet">${t("overview.pid", { pid: stats.pid })}</span>
            `,
          )} ${fact("overview.up", format.ms(stats.uptime_seconds * 1000))} ${fact(
            "overview.memory",
            format.bytes(rss_bytes),
          )} ${fact(
            "overview.queues",
            of(queue_bytes, max_queue_bytes),
          )} ${stats.plugins.some(({ journal }) => journal !== null)
            ? fact("overview.disk", of(disk_bytes, max_disk))
            : nothing} ${fact(
              "overview.connections",
              html`
                ${format.count(connections.open)} <span class="quiet">${t("overview.connections.of", {
                  accepted: format.short(connections.accepted),
                  refused: format.short(connections.refused),
                })}</span>
              `,
            )}
        </dl>
      </div>
    `,
    page.mayControl()
      ? html`
        ${button(t("overview.reload"), () => openReload(page), { icon: "reload", name: "reload" })} ${button(
          t("overview.drain"),
          () => openDrain(page),
          { kind: "danger", name: "drain" },
        )}
      `
      : undefined,
  );
}

function stateOf({ state }: Stats): "starting" | "running" | "draining" | "stopped" {
  return state === "starting" || state === "running" || state === "draining" ? state : "stopped";
}
