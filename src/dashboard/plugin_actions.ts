import type { Paused, Purged, RetriedDead } from "../admin/api.ts";
import { segment } from "./api_client.ts";
import { ask } from "./components/ask.ts";
import { html } from "./lit.ts";
import type { Page } from "./page.ts";

/** Pauses a plugin, or lets it go on. */
export function openPause(page: Page, plugin: string, paused: boolean): void {
  const { t } = page;
  const action = paused ? "pause" : "resume";
  const path = `plugins/${segment(plugin)}/${action}`;
  ask<Paused, Paused>(page, {
    title: t(`action.${action}.title`, { plugin }),
    preview: () => page.api.post(path, { dry_run: true }),
    body: ({ queued }) =>
      html`
        <p>${t(`action.${action}.what`, { n: page.format.count(queued) })}</p>
      `,
    go: () => t(`action.${action}`),
    change: () => page.api.post(path, {}),
    done: () => t(`action.${action}.done`, { plugin }),
  });
}

/** Drops what waits, or the dead letters. */
export function openPurge(page: Page, plugin: string, dead: boolean): void {
  const { t } = page;
  const path = `plugins/${segment(plugin)}/purge`;
  const action = dead ? "purge_dead" : "purge";
  ask<Purged, Purged>(page, {
    title: t(`action.${action}.title`, { plugin }),
    preview: () => page.api.post(path, { dead, dry_run: true }),
    body: ({ purged }) =>
      html`
        <p>${t(`action.${action}.what`, { n: page.format.count(purged) })}</p>
      `,
    go: ({ purged }) => t("action.purge.go", { n: page.format.count(purged) }),
    isVain: ({ purged }) => purged === 0,
    isDanger: true,
    change: () => page.api.post(path, { dead }),
    done: ({ purged }) => t("action.purge.done", { plugin, n: page.format.count(purged) }),
  });
}

/** Puts dead letters back in line. */
export function openRetryDead(page: Page, plugin: string): void {
  const { t } = page;
  const path = `plugins/${segment(plugin)}/retry-dead`;
  ask<RetriedDead, RetriedDead>(page, {
    title: t("action.retry_dead.title", { plugin }),
    preview: () => page.api.post(path, { dry_run: true }),
    body: ({ retried }) =>
      html`
        <p>${t("action.retry_dead.what", { n: page.format.count(retried) })}</p>
      `,
    go: () => t("action.retry_dead"),
    isVain: ({ retried }) => retried === 0,
    change: () => page.api.post(path, {}),
    done: ({ retried }) => t("action.retry_dead.done", { plugin, n: page.format.count(retried) }),
  });
}
