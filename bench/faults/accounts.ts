import type { PluginStats, ServerStats } from "../../src/observe/server_stats.ts";

/** Where an accepted operation can be: still held, or ended. Figures that this server has not are none. */
const HELD = ["queued", "in_flight", "delayed", "retrying"] as const;
const ENDED = ["done", "failed", "expired", "cancelled"] as const;

/** Accepted operations that a plugin still holds. */
export function held(plugin: PluginStats): number {
  return sum(plugin, HELD);
}

/** The plugin whose accepted operations are not all accounted for, in words; undefined where all are. */
export function missing({ plugins }: ServerStats): string | undefined {
  for (const plugin of plugins) {
    const accounted = held(plugin) + sum(plugin, ENDED);
    if (accounted === plugin.accepted) continue;
    const figures = [...HELD, ...ENDED].filter((name) => plugin[name] !== undefined).map((name) =>
      `${name} ${plugin[name]}`
    );
    return `plugin ${plugin.name} has accepted ${plugin.accepted} operations and accounts for ${accounted}: ${
      figures.join(", ")
    }`;
  }
  return undefined;
}

function sum(plugin: PluginStats, names: readonly string[]): number {
  return names.reduce((total, name) => total + Number(plugin[name] ?? 0), 0);
}
