/** What somebody has chosen on this machine; where storage is switched off, for as long as the page is open. */
export class Preferences {
  readonly #kept = new Map<string, string>();

  get(key: "theme" | "language"): string | null {
    try {
      return localStorage.getItem(`mevent.${key}`);
    } catch {
      return this.#kept.get(key) ?? null;
    }
  }

  /** Null forgets it. */
  set(key: "theme" | "language", value: string | null): void {
    if (value === null) this.#kept.delete(key);
    else this.#kept.set(key, value);
    try {
      if (value === null) localStorage.removeItem(`mevent.${key}`);
      else localStorage.setItem(`mevent.${key}`, value);
    } catch {
      // It is kept above.
    }
  }
}
