import { type TextKey, TEXTS } from "./texts.ts";

export type Language = "en" | "zh";

/** What stands in a text's braces. `n` also says whether it is of one or of several. */
export interface Values {
  readonly [name: string]: string | number;
}

/** A text in the language that is chosen, by its key. */
export type Translate = (key: TextKey, values?: Values) => string;

/** A text of the table with its values. */
export function textOf(language: Language, key: TextKey, values: Values = {}): string {
  const { en, zh }: { en: string | readonly [string, string]; zh: string } = TEXTS[key];
  const english = typeof en === "string" ? en : en[String(values["n"]) === "1" ? 0 : 1];
  const text = language === "zh" ? zh : english;
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}
