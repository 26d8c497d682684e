import type { FiguresOverTime } from "../admin/admin_parts.ts";
import type { PluginDetails } from "../admin/api.ts";
import type { Told } from "../admin/told.ts";
import { History } from "../observe/history.ts";
import { pluginDetails } from "./plugin_details.ts";
import type { PluginSet } from "./plugin_set.ts";

/** What is told of plugins over time: their history while it is kept, and each in detail. */
export class WatchedFigures implements FiguresOverTime {
  /** Null where none is kept. */
  history: History | null = null;

  constructor(readonly plugins: PluginSet) {}

  /** To be called about once a second. @param isKept whether there is anybody who could ask for a history */
  look(isKept: boolean): void {
    if (!isKept) this.history = null;
    else (this.history ??= new History(Date.now)).look(this.plugins.all, this.plugins.parts.now());
  }

  /** Of the plugin of that name or business number; null where there is none. */
  details(name: string): Told<PluginDetails> | null {
    const served = this.plugins.named(name);
    return served === null ? null : pluginDetails(served, this.history);
  }
}
