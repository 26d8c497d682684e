import { emptyState } from "../components/notice.ts";
import { html } from "../lit.ts";
import type { Page, View } from "../page.ts";

/** An address that leads nowhere. */
export function missingView({ t }: Page): View {
  return {
    title: () => t("shell.missing"),
    render: () =>
      emptyState(
        "empty",
        t("shell.missing"),
        "",
        html`
          <a href="#/">${t("shell.missing.back")}</a>
        `,
      ),
  };
}
