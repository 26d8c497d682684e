import { FAILURES_TEXTS } from "./texts/failures.ts";
import { FINDING_TEXTS } from "./texts/findings.ts";
import { OVERVIEW_TEXTS } from "./texts/overview.ts";
import { PLUGIN_TEXTS } from "./texts/plugin.ts";
import { SHELL_TEXTS } from "./texts/shell.ts";

/** A text in both languages. English has two where it counts something: of one, and of several. */
export interface Text {
  readonly en: string | readonly [one: string, several: string];
  readonly zh: string;
}

/** Every text of the page by its key. */
export const TEXTS = {
  ...SHELL_TEXTS,
  ...FINDING_TEXTS,
  ...OVERVIEW_TEXTS,
  ...PLUGIN_TEXTS,
  ...FAILURES_TEXTS,
} satisfies { readonly [key: string]: Text };

export type TextKey = keyof typeof TEXTS;
