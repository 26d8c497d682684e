import type { JsonObject } from "../plugin.ts";

/** Limits of one plugin, by their keys in the config, as a config writes them; a number of ms or bytes will do, too. */
export interface LimitEdits {
  readonly [key: string]: string | number;
}

/** What a change of limits has done, or would do. */
export interface LimitsReport extends JsonObject {
  plugin: string;
  changed: { key: string; before: string | number; after: string | number }[];
  /** What is to be known of it, a sentence each. */
  notes: string[];
}
