import { html, repeat, type TemplateResult } from "../lit.ts";
import { iconButton } from "./button.ts";
import { icon } from "./icon.ts";

/** What went well goes by itself; what did not stays until it was read. In ms. */
const SHOWN_MS = 6000;
const MOST = 4;

interface Toast {
  readonly id: number;
  readonly level: "good" | "bad";
  readonly text: string;
}

/** Short messages of what was done, in a corner. */
export class Toasts {
  #toasts: readonly Toast[] = [];
  #last = 0;
  readonly #update: () => void;

  constructor(update: () => void) {
    this.#update = update;
  }

  add(level: "good" | "bad", text: string): void {
    const id = ++this.#last;
    this.#toasts = [...this.#toasts, { id, level, text }].slice(-MOST);
    if (level === "good") setTimeout(() => this.#remove(id), SHOWN_MS);
    this.#update();
  }

  #remove(id: number): void {
    this.#toasts = this.#toasts.filter((toast) => toast.id !== id);
    this.#update();
  }

  render(closeLabel: string): TemplateResult {
    return html`
      <div class="toasts" role="status" aria-live="polite">${repeat(
        this.#toasts,
        ({ id }) => id,
        ({ id, level, text }) =>
          html`
            <div class="toast">
              <i class="is-${level}">${icon(level)}</i><span>${text}</span>
              ${iconButton("close", closeLabel, () => this.#remove(id))}
            </div>
          `,
      )}</div>
    `;
  }
}
