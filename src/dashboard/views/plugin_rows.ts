import type { Spark, Stats } from "../../admin/api.ts";
import { bar } from "../components/bar.ts";
import type { SparkModel } from "../components/spark_line.ts";
import { sentenceOf } from "../finding_text.ts";
import { worstOf } from "../health.ts";
import { html, nothing, repeat, type TemplateResult } from "../lit.ts";
import type { Page } from "../page.ts";
import { pluginState } from "../plugin_state.ts";
import { href } from "../route.ts";

/** Every plugin as a row, in the order of `names`. */
export function pluginRows(
  page: Page,
  stats: Stats,
  names: readonly string[],
  sparks: { readonly [plugin: string]: Spark } | undefined,
): TemplateResult {
  const { t } = page;
  const byName = new Map(stats.plugins.map((plugin) => [plugin.name, plugin]));
  return html`
    <div class="table-scroll">
      <table class="table plugins" data-name="plugins">
        <thead>
          <tr>
            <th class="state">${t("overview.col.state")}</th>
            <th>${t("overview.col.plugin")}</th>
            <th>${t("overview.col.spark")}</th>
            <th class="number">${t("overview.col.in")}</th>
            <th class="number">${t("overview.col.done")}</th>
            <th>${t("overview.col.queue")}</th>
            <th class="number">${t("overview.col.oldest")}</th>
            <th class="number">${t("overview.col.wait")}</th>
            <th class="number">${t("overview.col.run")}</th>
            <th class="number">${t("overview.col.workers")}</th>
          </tr>
        </thead>
        <tbody>${repeat(
          names,
          (name) => name,
          (name) => row(page, byName.get(name)!, sparks?.[name]),
        )}</tbody>
      </table>
    </div>
  `;
}

function row(page: Page, plugin: Stats["plugins"][number], spark: Spark | undefined): TemplateResult {
  const { t, format } = page;
  const { name } = plugin;
  const rates = page.rates.plugins.get(name);
  const worst = worstOf(page.findings, name);
  const waiting = plugin.queued + plugin.in_flight + plugin.delayed + plugin.retrying;
  return html`
    <tr class="is-link" data-plugin="${name}">
      <td class="state">${pluginState(page, plugin)}</td>
      <td class="name"><a href="${href(["plugins", name])}">${name}</a>${worst === null
        ? html`
          <span class="why">${plugin.description === "" ? nothing : plugin.description}</span>
        `
        : html`
          <span class="why is-${worst.level}">${sentenceOf(page, worst)}</span>
        `}</td>
      <td class="spark">
        <span class="unseen">${t("overview.spark.label", { plugin: name })}</span>
        <spark-line .model="${spark === undefined ? null : modelOf(spark)}"></spark-line>
      </td>
      <td class="number" data-label="${t("overview.col.in")}">${format.rate(rates?.in ?? null)}</td>
      <td class="number" data-label="${t("overview.col.done")}">${format.rate(rates?.done ?? null)}</td>
      <td class="depth">
        <span class="depth-text"><span data-name="queued">${format.count(plugin.queued)}</span>
          <span class="quiet">${t("overview.of", { max: format.short(plugin.max_ops) })}</span></span>${bar(
            Math.max(waiting / plugin.max_ops, plugin.queue_bytes / plugin.max_bytes),
          )}
        </td>
        <td class="number" data-label="${t("overview.col.oldest")}">${plugin.oldest_wait_ms === 0
          ? "–"
          : format.ms(plugin.oldest_wait_ms)}</td>
        <td class="number" data-label="${t("overview.col.wait")}">${ran(
          plugin.wait_us_last_minute.p99,
          page,
        )}</td>
        <td class="number" data-label="${t("overview.col.run")}">${ran(
          plugin.run_us_last_minute.p99,
          page,
        )}</td>
        <td class="number" data-label="${t("overview.col.workers")}">${plugin
          .workers_running}<span class="quiet"> / ${plugin.workers}</span></td>
      </tr>
    `;
  }

  /** Nothing ran in the last minute: there is no figure. */
  function ran(us: number, { format }: Page): string {
    return us === 0 ? "–" : format.us(us);
  }

  const models = new WeakMap<Spark, SparkModel>();

  function modelOf(spark: Spark): SparkModel {
    let model = models.get(spark);
    if (model === undefined) {
      model = { line: spark.done_per_second, strokes: spark.failed_per_second };
      models.set(spark, model);
    }
    return model;
  }
