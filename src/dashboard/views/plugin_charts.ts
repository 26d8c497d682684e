import type { History, Series } from "../../admin/api.ts";
import { card } from "../components/card.ts";
import "../components/time_chart.ts";
import type { ChartCurve, ChartModel } from "../components/time_chart.ts";
import { html, type TemplateResult } from "../lit.ts";
import type { Page } from "../page.ts";
import type { TextKey } from "../texts.ts";
import { joined, type JoinedSeries, type Range } from "./chart_models.ts";

/** The four charts of a plugin. */
export class PluginCharts {
  readonly #page: Page;
  #history: History | null = null;
  #made: { readonly history: History; readonly key: string; readonly models: readonly ChartModel[] } | null =
    null;

  constructor(page: Page) {
    this.#page = page;
  }

  have(history: History): void {
    this.#history = history;
  }

  render(range: Range): TemplateResult {
    const models = this.#models(range);
    return html`
      <div class="charts">${models.map((model) =>
        card(
          model.title,
          html`
            <time-chart .model="${model}"></time-chart>
          `,
        )
      )}</div>
    `;
  }

  #models(range: Range): readonly ChartModel[] {
    const history = this.#history;
    const key = `${range} ${this.#page.format.language}`;
    if (history === null) return chartsOf(this.#page, EMPTY);
    if (this.#made?.history !== history || this.#made.key !== key) {
      this.#made = { history, key, models: chartsOf(this.#page, joined(history, range)) };
    }
    return this.#made.models;
  }
}

const NONE: Series = [];
const EMPTY: JoinedSeries = {
  times: [],
  series: {
    in_per_second: NONE,
    done_per_second: NONE,
    failed_per_second: NONE,
    refused_per_second: NONE,
    queued: NONE,
    oldest_ms: NONE,
    wait_p50_us: NONE,
    wait_p99_us: NONE,
    run_p50_us: NONE,
    run_p99_us: NONE,
    commit_p99_us: NONE,
    unsynced_bytes: NONE,
  },
};

function chartsOf({ t, format }: Page, { times, series }: JoinedSeries): ChartModel[] {
  const chart = (
    title: TextKey,
    curves: readonly ChartCurve[],
    show: (value: number) => string,
  ): ChartModel => ({
    title: t(title),
    times,
    curves,
    format: show,
    formatTime: (at) => format.minute(at),
  });
  const percentiles = (low: Series, high: Series): ChartCurve[] => [
    { label: t("plugin.p50"), values: low, colour: "--accent", area: true },
    { label: t("plugin.p99"), values: high, colour: "--ink-2", dash: [4, 3] },
  ];
  const us = (value: number) => format.us(value);
  return [
    chart("plugin.rates", [
      { label: t("overview.done"), values: series.done_per_second, colour: "--accent", area: true },
      { label: t("overview.in"), values: series.in_per_second, colour: "--ink-3", dash: [2, 3] },
      { label: t("overview.failed"), values: series.failed_per_second, colour: "--bad" },
      { label: t("overview.refused"), values: series.refused_per_second, colour: "--warn", dash: [6, 3] },
    ], (value) => format.rate(value)),
    chart("plugin.queue", [
      { label: t("plugin.queued"), values: series.queued, colour: "--accent", area: true },
    ], (value) => format.short(value)),
    chart("plugin.wait", percentiles(series.wait_p50_us, series.wait_p99_us), us),
    chart("plugin.run", percentiles(series.run_p50_us, series.run_p99_us), us),
  ];
}
