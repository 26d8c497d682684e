import type { Limits, LimitsChanged, PluginDetails } from "../../admin/api.ts";
import { segment } from "../api_client.ts";
import { button } from "../components/button.ts";
import { notice } from "../components/notice.ts";
import { html, nothing, type TemplateResult } from "../lit.ts";
import type { Page } from "../page.ts";

/** Limits changed live: a form, what the server makes of it, and then the change. */
export function openLimits(page: Page, details: PluginDetails): void {
  const { t } = page;
  const { name } = details;
  const path = `plugins/${segment(name)}/limits`;
  const editable = details.limits.filter(({ live }) => live);
  const draft = new Map(editable.map(({ key, value }) => [key, String(value)]));
  let preview: LimitsChanged | null = null;
  let problem: string | null = null;
  let isBusy = false;

  /** What differs from when the dialog was opened; whole numbers go as such. */
  const changes = (): Limits =>
    Object.fromEntries(
      editable.filter(({ key, value }) => draft.get(key) !== String(value)).map(({ key }) => {
        const text = draft.get(key)!.trim();
        return [key, /^\d+$/.test(text) ? Number(text) : text];
      }),
    );
  const send = async (dryRun: boolean) => {
    isBusy = true;
    problem = null;
    page.update();
    try {
      const answer = await page.api.post<LimitsChanged>(path, {
        limits: changes(),
        ...dryRun ? { dry_run: true } : {},
      });
      if (dryRun) preview = answer;
      else {
        page.close();
        page.toast("good", t("plugin.limits.done", { n: answer.changed.length, plugin: name }));
        page.refresh();
      }
    } catch (error) {
      problem = error instanceof Error ? error.message : String(error);
    }
    isBusy = false;
    page.update();
  };
  const edit = (key: string, text: string) => {
    draft.set(key, text);
    preview = null;
    problem = null;
    page.update();
  };

  page.open({
    wide: true,
    title: () => t("plugin.limits.title", { plugin: name }),
    body: () =>
      html`
        <p>${t("plugin.limits.hint")}</p>
        <form id="limits" class="limits-form" @submit="${(event: SubmitEvent) => {
          event.preventDefault();
          send(true);
        }}">${editable.map(({ key, value, description }) =>
          html`
            <div class="field">
              <label for="${`limit-${key}`}"><code>${key}</code></label>
              <input
                class="input"
                id="${`limit-${key}`}"
                name="${key}"
                value="${String(value)}"
                autocomplete="off"
                spellcheck="false"
                aria-describedby="${`hint-${key}`}"
                @input="${(event: InputEvent) => edit(key, (event.target as HTMLInputElement).value)}"
              >
              <span class="hint" id="${`hint-${key}`}">${description}</span>
            </div>
          `
        )}</form>
        ${problem === null ? nothing : notice("bad", problem)} ${preview === null
          ? nothing
          : changesTable(page, preview)}
      `,
    foot: () => {
      const isSame = Object.keys(changes()).length === 0;
      return html`
        ${isSame
          ? html`
            <span class="quiet small">${t("plugin.limits.same")}</span>
          `
          : nothing} ${button(t("shell.cancel"), () => page.close(), { name: "dialog-cancel" })} ${button(
            t("plugin.limits.preview"),
            () => send(true),
            { disabled: isSame || isBusy, name: "limits-preview" },
          )} ${button(t("plugin.limits.apply"), () => send(false), {
            kind: "main",
            disabled: isSame || isBusy || preview === null,
            name: "limits-apply",
          })}
      `;
    },
  });
}

function changesTable({ t }: Page, { changed, notes }: LimitsChanged): TemplateResult {
  return html`
    <table class="table changes" data-name="limit-changes">
      <thead>
        <tr>
          <th>${t("plugin.limit")}</th>
          <th>${t("plugin.limits.before")}</th>
          <th>${t("plugin.limits.after")}</th>
        </tr>
      </thead>
      <tbody>${changed.map(({ key, before, after }) =>
        html`
          <tr>
            <td>${key}</td>
            <td>${before}</td>
            <td>${after}</td>
          </tr>
        `
      )}</tbody>
    </table>
    ${notes.map((note) =>
      html`
        <p class="small">${note}</p>
      `
    )}
  `;
}
