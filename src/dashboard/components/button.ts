import { html, nothing, type TemplateResult } from "../lit.ts";
import { icon, type IconName } from "./icon.ts";

/** How a button looks, and what it is beside its words. */
export interface ButtonOptions {
  readonly kind?: "main" | "danger" | "plain" | "default";
  readonly icon?: IconName;
  readonly disabled?: boolean;
  /** For tests, and for finding it by a name that is no text. */
  readonly name?: string;
  /** It submits the form that it stands in. */
  readonly submit?: boolean;
}

/** A button with words. */
export function button(text: string, press: () => void, options: ButtonOptions = {}): TemplateResult {
  const { kind = "default", disabled = false, name, submit = false } = options;
  return html`
    <button
      class="button is-${kind}"
      type="${submit ? "submit" : "button"}"
      ?disabled="${disabled}"
      data-name="${name ?? nothing}"
      @click="${submit ? nothing : press}"
    >
      ${options.icon === undefined ? nothing : icon(options.icon)}${text}
    </button>
  `;
}

/** A button with a sign alone; its words are its label. */
export function iconButton(sign: IconName, label: string, press: () => void, name?: string): TemplateResult {
  return html`
    <button
      class="button is-plain is-icon"
      type="button"
      aria-label="${label}"
      title="${label}"
      data-name="${name ?? nothing}"
      @click="${press}"
    >
      ${icon(sign)}
    </button>
  `;
}

/** A choice of a few that exclude each other. */
export function segments<T extends string>(
  label: string,
  chosen: T,
  choices: readonly { readonly value: T; readonly text: string }[],
  choose: (value: T) => void,
): TemplateResult {
  return html`
    <div class="segments" role="group" aria-label="${label}">
      ${choices.map(({ value, text }) =>
        html`
          <button type="button" aria-pressed="${value === chosen
            ? "true"
            : "false"}" data-value="${value}" @click="${() => choose(value)}">
            ${text}
          </button>
        `
      )}
    </div>
  `;
}
