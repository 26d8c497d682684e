import type { Preferences } from "./preferences.ts";

export type Theme = "system" | "light" | "dark";

/** Told when colours are others, for what draws them itself. */
export const THEME_CHANGED = "mevent-theme";

/** Light or dark: as the system has it, or as it was chosen here. */
export class ThemeSwitch {
  readonly #preferences: Preferences;

  constructor(preferences: Preferences) {
    this.#preferences = preferences;
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#tell());
  }

  get theme(): Theme {
    const chosen = this.#preferences.get("theme");
    return chosen === "light" || chosen === "dark" ? chosen : "system";
  }

  choose(theme: Theme): void {
    this.#preferences.set("theme", theme === "system" ? null : theme);
    if (theme === "system") delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = theme;
    this.#tell();
  }

  /** The next of the three. */
  turn(): void {
    this.choose(this.theme === "system" ? "light" : this.theme === "light" ? "dark" : "system");
  }

  #tell(): void {
    document.dispatchEvent(new Event(THEME_CHANGED));
  }
}
