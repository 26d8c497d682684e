import type { Finding, FindingKind, FindingLevel, Stats } from "../admin/api.ts";

export type { Finding, FindingKind };
export type Level = FindingLevel;

/** The worst of a plugin's; null where all is well. */
export function worstOf(all: readonly Finding[], plugin: string): Finding | null {
  return all.find((each) => each.plugin === plugin) ?? null;
}

/** Names of the plugins, the sick ones first, then by name. */
export function sickFirst(stats: Stats, all: readonly Finding[]): string[] {
  const rank = (name: string) => {
    const first = all.findIndex(({ plugin }) => plugin === name);
    return first < 0 ? all.length : first;
  };
  return stats.plugins.map(({ name }) => name).sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
}
