import { html, nothing, type TemplateResult } from "../lit.ts";
import { iconButton } from "./button.ts";

/** What a dialog shows; drawn anew with the page. */
export interface DialogContent {
  title(): string;
  body(): TemplateResult;
  /** Its buttons; without them it is closed by its cross alone. */
  foot?(): TemplateResult;
  readonly wide?: boolean;
  /** It was closed, by whatever. */
  closed?(): void;
}

/** The one dialog of the page. */
export class DialogHost {
  #content: DialogContent | null = null;
  #element: HTMLDialogElement | null = null;
  readonly #update: () => void;

  constructor(update: () => void) {
    this.#update = update;
  }

  get isOpen(): boolean {
    return this.#content !== null;
  }

  open(content: DialogContent): void {
    if (this.#content !== null) this.#content.closed?.();
    this.#content = content;
    this.#update();
  }

  close(): void {
    const content = this.#content;
    if (content === null) return;
    this.#content = null;
    this.#element?.close();
    content.closed?.();
    this.#update();
  }

  render(closeLabel: string): TemplateResult {
    const content = this.#content;
    return html`
      <dialog class="${content?.wide ? "is-wide" : nothing}" aria-labelledby="dialog-title" @close="${() =>
        this.close()}" @click="${(event: MouseEvent) => {
        // On the backdrop, which is the dialog itself.
        if (event.target === this.#element) this.close();
      }}">
        ${content === null ? nothing : html`
          <div class="dialog-head">
            <h2 id="dialog-title">${content.title()}</h2>
            ${iconButton("close", closeLabel, () => this.close(), "dialog-close")}
          </div>
          <div class="dialog-body">${content.body()}</div>
          ${content.foot === undefined ? nothing : html`
            <div class="dialog-foot">${content.foot()}</div>
          `}
        `}
      </dialog>
    `;
  }

  /** The page is drawn: shows what is to be shown. */
  drawn(root: Element): void {
    this.#element = root.querySelector("dialog:not(.palette)");
    const element = this.#element;
    if (this.#content === null || element === null || element.open) return;
    element.showModal();
    // Where there is a form, into it; else on what does no harm.
    element.querySelector<HTMLElement>("input, textarea, select, [data-name=dialog-cancel]")?.focus();
  }
}
