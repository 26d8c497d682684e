import type { Frame } from "./frame.ts";
import { VIEWS } from "./views.ts";

/** After `g` the next key counts for so long, in ms. */
const PATIENCE_MS = 1500;

/** The keys of the page: Ctrl+K, `?`, `/`, and `g` with a view's letter. */
export class Keyboard {
  #goUntil = 0;
  readonly #app: Frame;
  readonly #help: () => void;

  constructor(app: Frame, help: () => void) {
    this.#app = app;
    this.#help = help;
  }

  start(): void {
    globalThis.addEventListener("keydown", (event) => this.#pressed(event as KeyboardEvent));
  }

  #pressed(event: KeyboardEvent): void {
    const { key } = event;
    const app = this.#app;
    if (app.mode !== "ready" || event.isComposing) return;
    if ((event.ctrlKey || event.metaKey) && key.toLowerCase() === "k" && !event.altKey && !event.shiftKey) {
      event.preventDefault();
      if (app.palette.isOpen) app.palette.close();
      else if (!app.dialog.isOpen) app.palette.open();
      return;
    }
    if (
      event.ctrlKey || event.metaKey || event.altKey || isTyping(event) || app.dialog.isOpen ||
      app.palette.isOpen
    ) return;
    if (event.timeStamp < this.#goUntil) {
      this.#goUntil = 0;
      const entry = VIEWS.find((each) => each.key === key);
      if (entry !== undefined) app.go(entry.path === "" ? [] : [entry.path]);
      return;
    }
    if (key === "g") this.#goUntil = event.timeStamp + PATIENCE_MS;
    else if (key === "?") this.#help();
    else if (key === "/") {
      const filter = document.querySelector<HTMLInputElement>("[data-filter]");
      if (filter === null) return;
      event.preventDefault();
      filter.focus();
    }
  }
}

function isTyping({ target }: KeyboardEvent): boolean {
  return target instanceof HTMLElement &&
    target.closest("input, textarea, select, [contenteditable]") !== null;
}
