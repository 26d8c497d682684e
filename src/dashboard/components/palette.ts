import type { Translate } from "../translate.ts";
import { html, nothing, type TemplateResult } from "../lit.ts";
import { icon, type IconName } from "./icon.ts";

/** Something that may be chosen. */
export interface PaletteItem {
  readonly text: string;
  readonly kind: "view" | "plugin" | "action" | "setting";
  readonly icon: IconName;
  /** Other words that find it. */
  readonly words?: string;
  choose(): void;
}

const MOST = 50;

/** Ctrl+K: all views, plugins and actions by their names. */
export class Palette {
  #isOpen = false;
  #text = "";
  #chosen = 0;
  #dialog: HTMLDialogElement | null = null;
  readonly #items: () => readonly PaletteItem[];
  readonly #update: () => void;

  constructor(items: () => readonly PaletteItem[], update: () => void) {
    this.#items = items;
    this.#update = update;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  open(): void {
    this.#isOpen = true;
    this.#text = "";
    this.#chosen = 0;
    this.#update();
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#dialog?.close();
    this.#update();
  }

  render(t: Translate): TemplateResult {
    const found = this.#isOpen ? matching(this.#items(), this.#text) : [];
    this.#chosen = Math.max(0, Math.min(this.#chosen, found.length - 1));
    return html`
      <dialog class="palette" aria-label="${t("palette.title")}" @close="${() => this.close()}" @click="${(
        event: MouseEvent,
      ) => event.target === this.#dialog && this.close()}">
        ${this.#isOpen
          ? html`
            <input
              class="palette-input"
              type="text"
              role="combobox"
              aria-expanded="true"
              aria-autocomplete="list"
              aria-controls="palette-list"
              aria-activedescendant="${found.length === 0 ? nothing : `palette-${this.#chosen}`}"
              aria-label="${t("palette.title")}"
              placeholder="${t("palette.hint")}"
              autocomplete="off"
              spellcheck="false"
              @input="${(event: InputEvent) => this.#search((event.target as HTMLInputElement).value)}"
              @keydown="${(event: KeyboardEvent) => this.#key(event, found)}"
            >
            <div class="palette-list" id="palette-list" role="listbox" aria-label="${t("palette.title")}">
              ${found.map((item, i) =>
                html`
                  <div
                    class="palette-item"
                    role="option"
                    id="palette-${i}"
                    aria-selected="${i === this.#chosen ? "true" : "false"}"
                    @click="${() => this.#take(item)}"
                  >
                    ${icon(item.icon)}<span>${item.text}</span>
                    <span class="palette-hint">${t(`palette.${item.kind}`)}</span>
                  </div>
                `
              )}
            </div>
            ${found.length > 0 ? nothing : html`
              <div class="empty"><p>${t("palette.none", { text: this.#text })}</p></div>
            `}
          `
          : nothing}
      </dialog>
    `;
  }

  /** The page is drawn. */
  drawn(root: Element): void {
    this.#dialog = root.querySelector("dialog.palette");
    if (!this.#isOpen || this.#dialog === null) return;
    if (!this.#dialog.open) {
      this.#dialog.showModal();
      this.#dialog.querySelector("input")?.focus();
    }
    this.#dialog.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: "nearest" });
  }

  #search(text: string): void {
    this.#text = text;
    this.#chosen = 0;
    this.#update();
  }

  #key(event: KeyboardEvent, found: readonly PaletteItem[]): void {
    if (event.isComposing) return;
    const { key } = event;
    const item = found[this.#chosen];
    if (key === "ArrowDown") this.#chosen = (this.#chosen + 1) % Math.max(1, found.length);
    else if (key === "ArrowUp") this.#chosen = (this.#chosen + found.length - 1) % Math.max(1, found.length);
    else if (key === "Enter" && item !== undefined) this.#take(item);
    else return;
    event.preventDefault();
    this.#update();
  }

  #take(item: PaletteItem): void {
    this.close();
    item.choose();
  }
}

function matching(items: readonly PaletteItem[], text: string): PaletteItem[] {
  const words = text.toLowerCase().split(/\s+/).filter((word) => word !== "");
  const found = items.filter((item) => {
    const all = `${item.text} ${item.words ?? ""}`.toLowerCase();
    return words.every((word) => all.includes(word));
  });
  const begins = (item: PaletteItem) => item.text.toLowerCase().startsWith(words[0] ?? "") ? 0 : 1;
  return found.map((item, i) => ({ item, i })).sort((a, b) => begins(a.item) - begins(b.item) || a.i - b.i)
    .map(({ item }) => item).slice(0, MOST);
}
