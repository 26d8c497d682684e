import type { Stats } from "../admin/api.ts";
import { badge } from "./components/badge.ts";
import { type Finding, type FindingKind, worstOf } from "./health.ts";
import type { TemplateResult } from "./lit.ts";
import type { Page } from "./page.ts";
import type { TextKey } from "./texts.ts";

const WORDS: { readonly [kind in FindingKind]?: TextKey } = {
  full: "state.full",
  no_worker: "state.down",
  journal: "state.down",
  failing: "state.failing",
  paused: "state.paused",
};

/** How a plugin is doing, in a word. */
export function pluginState(page: Page, plugin: Stats["plugins"][number]): TemplateResult {
  const worst: Finding | null = worstOf(page.findings, plugin.name);
  const { t } = page;
  if (plugin.paused) return badge(worst?.level === "note" ? "plain" : "warn", t("state.paused"), "pause");
  if (worst !== null && worst.level !== "note") {
    return badge(worst.level, t(WORDS[worst.kind] ?? (worst.level === "bad" ? "state.bad" : "state.warn")));
  }
  const isWorking = plugin.in_flight > 0 || (page.rates.plugins.get(plugin.name)?.done ?? 0) > 0;
  return isWorking ? badge("good", t("state.working")) : badge("plain", t("state.idle"));
}
