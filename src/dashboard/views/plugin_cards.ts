import type { PluginDetails, Stats, WorkerDetails } from "../../admin/api.ts";
import { badge, type Tone } from "../components/badge.ts";
import { button } from "../components/button.ts";
import { card, scrolled } from "../components/card.ts";
import { html, nothing, type TemplateResult } from "../lit.ts";
import type { Page } from "../page.ts";
import { openLimits } from "./limits_dialog.ts";

const WORKER_TONES: { readonly [state in WorkerDetails["state"]]: Tone } = {
  starting: "accent",
  running: "good",
  retiring: "plain",
  failing: "bad",
  stopping: "plain",
};

export function workersCard(page: Page, { workers }: PluginDetails): TemplateResult {
  const { t, format, now } = page;
  const title = t("plugin.workers");
  if (workers.length === 0) {
    return card(
      title,
      html`
        <p class="card-note">${t("plugin.workers.none")}</p>
      `,
    );
  }
  return card(
    title,
    scrolled(
      title,
      html`
        <table class="table" data-name="workers">
          <thead>
            <tr>
              <th>${t("plugin.worker")}</th>
              <th>${t("plugin.state")}</th>
              <th>${t("plugin.kind")}</th>
              <th class="number">${t("plugin.memory")}</th>
              <th class="number">${t("plugin.holds")}</th>
              <th class="number">${t("plugin.answered")}</th>
              <th class="number">${t("plugin.since")}</th>
            </tr>
          </thead>
          <tbody>${workers.map((worker) =>
            html`
              <tr>
                <td>${worker.index}</td>
                <td>
                  ${badge(
                    WORKER_TONES[worker.state],
                    t(`plugin.worker.${worker.state}`),
                  )} ${worker.problem === null ? nothing : html`
                    <span class="tiny is-bad">${worker.problem}</span>
                  `}
                </td>
                <td>${worker.isolation === "process"
                  ? t("plugin.kind.process", { pid: worker.pid ?? "" })
                  : t("plugin.kind.worker")}</td>
                <td class="number">${worker.memory_bytes === null
                  ? "–"
                  : format.bytes(worker.memory_bytes)}</td>
                <td class="number">${format.count(worker.holds)}</td>
                <td class="number">${format.count(worker.answered)}</td>
                <td class="number" title="${format.full(worker.since_at)}">${format.time(
                  worker.since_at,
                  now,
                )}</td>
              </tr>
            `
          )}</tbody>
        </table>
      `,
    ),
  );
}

export function commandsCard(page: Page, { commands }: PluginDetails): TemplateResult {
  const { t, format } = page;
  const title = t("plugin.commands");
  return card(
    title,
    scrolled(
      title,
      html`
        <table class="table" data-name="commands">
          <thead>
            <tr>
              <th>${t("plugin.command")}</th>
              <th class="number">${t("plugin.done_total")}</th>
              <th class="number">${t("plugin.failed_total")}</th>
              <th class="number">${t("overview.col.wait")}</th>
              <th class="number">${t("plugin.run")} p50</th>
              <th class="number">${t("overview.col.run")}</th>
            </tr>
          </thead>
          <tbody>${commands.map((command) =>
            html`
              <tr>
                <td>
                  <span class="strong">${command.name || command.number}</span> <span class="quiet tiny"
                  >${command.number}${command.idempotent
                    ? ` · ${t("plugin.idempotent")}`
                    : ""}${command.batch_max === null
                    ? ""
                    : ` · ${t("plugin.batch", { n: command.batch_max })}`}</span>${command.description === ""
                    ? nothing
                    : html`
                      <span class="why">${command.description}</span>
                    `}
                </td>
                <td class="number">${format.count(command.done)}</td>
                <td class="number ${command.failed > 0 ? "is-bad" : ""}">${format.count(command.failed)}</td>
                <td class="number">${command.done + command.failed === 0
                  ? "–"
                  : format.us(command.wait_p99_us)}</td>
                <td class="number">${command.done + command.failed === 0
                  ? "–"
                  : format.us(command.run_p50_us)}</td>
                <td class="number">${command.done + command.failed === 0
                  ? "–"
                  : format.us(command.run_p99_us)}</td>
              </tr>
            `
          )}</tbody>
        </table>
      `,
    ),
  );
}

export function limitsCard(page: Page, details: PluginDetails): TemplateResult {
  const { t } = page;
  const title = t("plugin.limits");
  const canEdit = page.mayControl(details.name) && details.limits.some(({ live }) => live);
  return card(
    title,
    scrolled(
      title,
      html`
        <table class="table" data-name="limits">
          <thead>
            <tr>
              <th>${t("plugin.limit")}</th>
              <th class="number">${t("plugin.value")}</th>
            </tr>
          </thead>
          <tbody>${details.limits.map(({ key, value, live, edited, description }) =>
            html`
              <tr>
                <td>
                  <code>${key}</code> ${edited ? badge("accent", t("plugin.edited"), "edit") : nothing}
                  <span class="why">${description}${live ? "" : ` · ${t("plugin.not_live")}`}</span>
                </td>
                <td class="number strong">${value}</td>
              </tr>
            `
          )}</tbody>
        </table>
      `,
    ),
    canEdit
      ? button(t("plugin.limits.edit"), () => openLimits(page, details), {
        icon: "edit",
        name: "edit-limits",
      })
      : undefined,
  );
}

export function aboutCard(
  page: Page,
  plugin: Stats["plugins"][number],
  details: PluginDetails,
): TemplateResult {
  const { t, format, now } = page;
  const { version, essential, durability, results_keep_ms } = details;
  return card(
    t("plugin.about"),
    html`
      <div class="card-body">
        <dl class="facts">
          <dt>${t("plugin.module")}</dt>
          <dd class="mono">${version.module}${essential
            ? html`
              ${badge("accent", t("plugin.essential"), "info")}
            `
            : nothing}</dd>
          <dt>${t("plugin.version")}</dt>
          <dd>${version.hash === null ? t("plugin.version.builtin") : html`
            <code title="${version.hash}">${version.hash.slice(0, 12)}</code>
          `} <span class="quiet" title="${format.full(version.since_at)}">${t("plugin.version.since", {
            time: format.time(version.since_at, now),
          })}</span></dd>
          <dt>${t("plugin.durability")}</dt>
          <dd>${t(`plugin.durability.${durability}`)}</dd>
          <dt>${t("plugin.results")}</dt>
          <dd>${results_keep_ms === 0
            ? t("plugin.results.not")
            : t("plugin.results.kept", { time: format.ms(results_keep_ms) })}</dd>
          <dt>${t("plugin.restarts")}</dt>
          <dd>${format.count(plugin.restarts)}</dd>
          ${Object.entries({ ...plugin.counters, ...plugin.gauges }).map(([name, value]) =>
            html`
              <dt>${name}</dt><dd>${format.short(value)}</dd>
            `
          )}
        </dl>
      </div>
    `,
  );
}

export function timersCard({ t }: Page, { timers }: PluginDetails): TemplateResult | typeof nothing {
  if (timers.length === 0) return nothing;
  return card(
    t("plugin.timers"),
    html`
      <div class="card-body"><dl class="facts">${timers.map(({ name, schedule }) =>
        html`
          <dt>${name}</dt><dd>${schedule}</dd>
        `
      )}</dl></div>
    `,
  );
}
