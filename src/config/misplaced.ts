import { keyText } from "./config_error.ts";
import { isTable } from "./is_table.ts";
import type { Layers } from "./layers.ts";
import { PLUGIN_ENTRIES } from "./schema.ts";

/** What a plugin's own config may well be called, whoever has written it. */
const COMMON = ["name", "config"];
/** The same of built-in plugins, as their documents say. */
const OF_BUILTIN: { readonly [module: string]: readonly string[] } = {
  "builtin:exec": ["concurrency"],
  "builtin:webhook": ["concurrency", "timeout"],
};

/**
 * Keys of `[plugin.config]` that are those of `[[plugin]]`, a sentence each with both places: what is appended to a file
 * whose last table is `[plugin.config]` lands there.
 */
export function misplacedKeys(layers: Layers): string[] {
  const plugins: unknown[] = Array.isArray(layers.document["plugin"]) ? layers.document["plugin"] : [];
  return plugins.flatMap((plugin, at) => {
    if (!isTable(plugin) || !isTable(plugin["config"])) return [];
    const own = [...COMMON, ...OF_BUILTIN[String(plugin["module"])] ?? []];
    const misplaced = Object.keys(plugin["config"]).filter((key) =>
      Object.hasOwn(PLUGIN_ENTRIES, key) && !own.includes(key)
    );
    return misplaced.map((key) => {
      const path = ["plugin", at, "config", key];
      return `${layers.placeOf(path)}: ${
        keyText(path)
      } is handed to the plugin and sets nothing of mevent's; where ` +
        `${key} of [[plugin]] is meant, write it above, under ${layers.placeOf(["plugin", at])}`;
    });
  });
}
