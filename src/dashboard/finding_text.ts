import type { Finding } from "./health.ts";
import type { Page } from "./page.ts";
import { href } from "./route.ts";

/** What is wrong, as a sentence. */
export function sentenceOf({ t, format }: Page, { kind, values, share, ms, since_at }: Finding): string {
  const since = since_at === null ? "" : t("finding.since", { time: format.minute(since_at) });
  return t(`finding.${kind}`, {
    ...shown(format, values),
    since,
    share: share === null ? "" : format.share(share),
    time: ms === null ? "" : format.ms(ms),
  });
}

/** What to do about it. */
export function adviceOf({ t, format }: Page, { kind, values }: Finding): string {
  const key = kind === "no_worker" && "problem" in values
    ? "advice.no_worker.why"
    : `advice.${kind}` as const;
  return t(key, shown(format, values));
}

/** Where to look. */
export function linksOf(
  { t }: Page,
  { kind, plugin }: Finding,
): { readonly text: string; readonly href: string }[] {
  if (plugin === null) return [];
  const links = [{ text: t("go.plugin", { plugin }), href: href(["plugins", plugin]) }];
  if (kind === "failing" || kind === "dead") {
    links.unshift({ text: t("go.failures"), href: href(["failures"], { plugin }) });
  }
  return links;
}

function shown(format: Page["format"], values: Finding["values"]): Finding["values"] {
  const all: Record<string, string | number> = {};
  for (const [name, value] of Object.entries(values)) {
    all[name] = typeof value === "number" ? format.count(value) : value;
  }
  return all;
}
