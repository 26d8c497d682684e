import { html } from "../lit.ts";
import type { Page } from "../page.ts";
import { VIEWS } from "../views.ts";

/** `?`: the keys of the page. */
export function openHelp(page: Page): void {
  const { t } = page;
  const isMac = /Mac|iPhone|iPad/.test(navigator.userAgent);
  page.open({
    title: () => t("help.title"),
    body: () =>
      html`
        <dl class="shortcuts">
          <dt><kbd class="key">${isMac ? "⌘" : "Ctrl"}</kbd> <kbd class="key">K</kbd></dt>
          <dd>${t("help.palette")}</dd>
          <dt><kbd class="key">/</kbd></dt>
          <dd>${t("help.filter")}</dd>
          <dt><kbd class="key">?</kbd></dt>
          <dd>${t("help.help")}</dd>
          <dt><kbd class="key">Esc</kbd></dt>
          <dd>${t("help.escape")}</dd>
          ${VIEWS.map(({ key, title }) =>
            html`
              <dt><kbd class="key">g</kbd> ${t("help.then")} <kbd class="key">${key}</kbd></dt><dd>${t(
                title,
              )}</dd>
            `
          )}
        </dl>
      `,
  });
}
