import type { FailureFilter, FailureGroup, Failures } from "../../admin/api.ts";
import { button } from "../components/button.ts";
import { card, scrolled } from "../components/card.ts";
import { emptyState, notice } from "../components/notice.ts";
import { openFailures, openUndo } from "../failure_actions.ts";
import { html, nothing, repeat, type TemplateResult } from "../lit.ts";
import type { Page, View } from "../page.ts";
import { href } from "../route.ts";

/** The dead letters by their causes: what they are, retried or purged all at once. */
export function failuresView(page: Page): View {
  const { t, format } = page;
  let failures: Failures | null = null;
  let problem: string | null = null;
  let undo: string | null = null;
  const filter = () => {
    const { query } = page.route;
    return { plugin: query.get("plugin") || null, fingerprint: query.get("fingerprint") || null };
  };
  const poller = () =>
    page.poll<Failures>({
      everyMs: 2000,
      load: (signal) => page.api.get("failures", filter(), signal),
      apply: (value) => {
        failures = value;
        problem = null;
      },
      failed: ({ message }) => problem = message,
    });
  let polling = poller();
  const again = () => {
    polling.stop();
    polling = poller();
  };

  const matching = (group: FailureGroup | null): FailureFilter => {
    const { plugin, fingerprint } = filter();
    const name = group?.plugin ?? plugin;
    const print = group?.fingerprint ?? fingerprint;
    return {
      ...name === null ? {} : { plugin: name },
      ...print === null ? {} : { fingerprint: print },
    };
  };
  const act = (action: "retry" | "purge", group: FailureGroup | null) =>
    openFailures(page, action, matching(group), (changed) => {
      if (action === "purge") undo = changed.undo;
      again();
    });
  const buttons = (group: FailureGroup | null) => {
    const suffix = group === null ? "_all" as const : "" as const;
    const disabled = group === null && (failures === null || failures.groups.length === 0);
    return html`
      ${button(t(`failures.retry${suffix}`), () => act("retry", group), {
        icon: "retry",
        name: `failures-retry${suffix}`,
        disabled,
      })} ${button(t(`failures.purge${suffix}`), () => act("purge", group), {
        icon: "trash",
        kind: "danger",
        name: `failures-purge${suffix}`,
        disabled,
      })}
    `;
  };

  const row = (group: FailureGroup): TemplateResult =>
    html`
      <tr data-name="failure" data-fingerprint="${group.fingerprint}">
        <td class="number">${format.count(group.count)}</td>
        <td>
          ${group.message ?? html`
            <span class="quiet">${t("failures.hidden")}</span>
          `}
          <span class="why">${t("failures.sample", { id: group.sample_id })}</span>
        </td>
        <td><a href="${href(["plugins", group.plugin])}">${group.plugin}</a></td>
        <td>${group.command_name} <span class="quiet">${group.command}</span></td>
        <td class="number">${group.code ?? "–"}</td>
        <td title="${format.full(group.first_at)}">${format.time(group.first_at, page.now)}</td>
        <td title="${format.full(group.last_at)}">${format.time(group.last_at, page.now)}</td>
        <td title="${group.versions.join(" ")}"><code>${group.versions.at(-1)?.slice(0, 8) ?? "–"}</code></td>
        ${page.mayControl(group.plugin)
          ? html`
            <td><div class="button-row">${buttons(group)}</div></td>
          `
          : html`
            <td></td>
          `}
      </tr>
    `;
  const table = (groups: readonly FailureGroup[]) =>
    scrolled(
      t("failures.groups"),
      html`
        <table class="table" data-name="failures">
          <thead>
            <tr>
              <th class="number">${t("failures.count")}</th>
              <th>${t("failures.cause")}</th>
              <th>${t("failures.plugin")}</th>
              <th>${t("failures.command")}</th>
              <th class="number">${t("failures.code")}</th>
              <th>${t("failures.first")}</th>
              <th>${t("failures.last")}</th>
              <th>${t("failures.version")}</th>
              <th>${t("failures.actions")}</th>
            </tr>
          </thead>
          <tbody>${repeat(groups, ({ fingerprint }) => fingerprint, row)}</tbody>
        </table>
      `,
    );

  const filters = () => {
    const { plugin, fingerprint } = filter();
    const names = page.stats?.plugins.map(({ name }) => name) ?? [];
    const shown = plugin !== null && !names.includes(plugin) ? [plugin, ...names] : names;
    return html`
      <div class="filters">
        <div class="field">
          <label for="failures-plugin">${t("failures.plugin")}</label>
          <select class="input" id="failures-plugin" data-filter @change="${(event: Event) =>
            page.filter({ plugin: (event.target as HTMLSelectElement).value || null, fingerprint: null })}">
            <option value="" ?selected="${plugin === null}">${t("failures.all")}</option>
            ${shown.map((name) =>
              html`
                <option value="${name}" ?selected="${name === plugin}">${name}</option>
              `
            )}
          </select>
        </div>
        ${fingerprint === null ? nothing : html`
          <span>${t("failures.one")}</span>${button(
            t("failures.one.all"),
            () => page.filter({ fingerprint: null }),
            { name: "failures-all" },
          )}
        `}
      </div>
    `;
  };

  return {
    title: () => t("nav.failures"),
    tools: () =>
      page.mayControl(filter().plugin ?? undefined) ? buttons(null) : html`

      `,
    routed: again,
    render: () =>
      html`
        ${filters()} ${problem === null
          ? nothing
          : notice("bad", t("shell.error", { why: problem }))} ${undo === null ? nothing : notice(
            "plain",
            t("failures.undo", { file: undo }),
            button(t("failures.undo.go"), () =>
              openUndo(page, undo!, (undone) => {
                undo = undone.undo;
                again();
              }), { name: "failures-undo", icon: "retry" }),
          )} ${failures === null ? nothing : html`
          ${failures.truncated
            ? notice("warn", t("failures.bound", { left: format.count(failures.left_out) }))
            : nothing} ${card(
              t("failures.groups"),
              failures.groups.length === 0
                ? emptyState("good", t("failures.none"), t("failures.none.why"))
                : table(failures.groups),
              html`
                <span class="quiet small">${t("failures.looked", {
                  n: format.count(failures.looked_at),
                })}</span>
              `,
            )}
        `}
      `,
  };
}
