import type { Reloaded, Stopping } from "../admin/api.ts";
import { ask } from "./components/ask.ts";
import { html, nothing, type TemplateResult } from "./lit.ts";
import type { Page } from "./page.ts";

/** Loads config and code anew, after a look at what would change. */
export function openReload(page: Page): void {
  const { t } = page;
  ask<Reloaded, Reloaded>(page, {
    title: t("action.reload.title"),
    preview: () => page.api.post("reload", { dry_run: true }),
    body: ({ changed, kept, unchanged }) =>
      unchanged && kept.length === 0
        ? html`
          <p>${t("action.reload.same")}</p>
        `
        : html`
          ${listed(t("action.reload.what"), changed)}${listed(t("action.reload.kept"), kept)}
        `,
    go: () => t("action.reload"),
    change: () => page.api.post("reload", {}),
    done: ({ changed }) => t("action.reload.done", { n: changed.length }),
  });
}

/** Stops the server when its work is done. */
export function openDrain(page: Page): void {
  const { t } = page;
  ask<Stopping, Stopping>(page, {
    title: t("action.drain.title"),
    preview: () => page.api.post("drain", { dry_run: true }),
    body: ({ left, paused, drain_timeout_ms }) =>
      html`
        <p>${t("action.drain.what", {
          n: page.format.count(left),
          time: page.format.ms(drain_timeout_ms),
        })}</p>
        ${paused.length === 0 ? nothing : html`
          <p>${t("action.drain.paused", { plugins: paused.join(", ") })}</p>
        `}
      `,
    go: () => t("action.drain"),
    isDanger: true,
    change: () => page.api.post("drain", {}),
    done: () => t("action.drain.done"),
  });
}

function listed(title: string, sentences: readonly string[]): TemplateResult | typeof nothing {
  if (sentences.length === 0) return nothing;
  return html`
    <p>${title}</p><ul class="code-block">${sentences.map((sentence) =>
      html`
        <li>${sentence}</li>
      `
    )}</ul>
  `;
}
