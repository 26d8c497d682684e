import type { Preferences } from "./preferences.ts";
import type { Language } from "./translate.ts";

/** The language of the page. */
export class LanguageSwitch {
  readonly #preferences: Preferences;

  constructor(preferences: Preferences) {
    this.#preferences = preferences;
  }

  get language(): Language {
    return document.documentElement.lang.startsWith("zh") ? "zh" : "en";
  }

  choose(language: Language): void {
    this.#preferences.set("language", language);
    document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  }
}
