import type { FailureFilter, Failures, FailuresChanged, FailuresUndone } from "../admin/api.ts";
import { ask } from "./components/ask.ts";
import { html, nothing } from "./lit.ts";
import type { Page } from "./page.ts";

/** Retries or purges all that match; `done` gets what came of it. */
export function openFailures(
  page: Page,
  action: "retry" | "purge",
  filter: FailureFilter,
  done: (changed: FailuresChanged) => void,
): void {
  const { t, format } = page;
  const path = `failures/${action}`;
  let seen = filter;
  ask<FailuresChanged, FailuresChanged>(page, {
    title: t(`failures.${action}.title`),
    preview: async () => {
      // The page's clock is an estimate: what has failed by now is what the server has just said.
      const { plugin = null, fingerprint = null } = filter;
      const { groups } = await page.api.get<Failures>("failures", { plugin, fingerprint });
      seen = { ...filter, until_at: Math.max(page.now, ...groups.map(({ last_at }) => last_at)) };
      return await page.api.post(path, { filter: seen, dry_run: true });
    },
    body: ({ count, left }) =>
      html`
        <p>${t(`failures.${action}.what`, { n: format.count(count) })}</p>
        ${left === 0 ? nothing : html`
          <p>${t("failures.left", { n: format.count(left) })}</p>
        `}
        <p class="quiet small">${t("failures.meanwhile")}</p>
      `,
    go: () => t(`failures.${action}`),
    isVain: ({ count }) => count === 0,
    isDanger: action === "purge",
    change: async () => {
      const changed = await page.api.post<FailuresChanged>(path, { filter: seen });
      done(changed);
      return changed;
    },
    done: ({ count }) => t(`failures.${action}.done`, { n: format.count(count) }),
  });
}

/** Puts back what a purge has dropped. */
export function openUndo(page: Page, undo: string, done: (undone: FailuresUndone) => void): void {
  const { t, format } = page;
  ask<FailuresUndone, FailuresUndone>(page, {
    title: t("failures.undo.title"),
    preview: () => page.api.post("failures/undo", { undo, dry_run: true }),
    body: ({ count }) =>
      html`
        <p>${t("failures.undo.what", { n: format.count(count) })}</p>
        <p><code>${undo}</code></p>
      `,
    go: () => t("failures.undo.go"),
    isVain: ({ count }) => count === 0,
    change: async () => {
      const undone = await page.api.post<FailuresUndone>("failures/undo", { undo });
      done(undone);
      return undone;
    },
    done: ({ count }) => t("failures.undo.done", { n: format.count(count) }),
  });
}
