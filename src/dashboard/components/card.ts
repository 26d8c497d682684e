import { html, nothing, type TemplateResult } from "../lit.ts";

/** A part of a view with a heading. */
export function card(title: string, body: TemplateResult, tools?: TemplateResult): TemplateResult {
  return html`
    <section class="card" aria-label="${title}">
      <div class="card-head"><h2>${title}</h2>${tools === undefined ? nothing : html`
        <div class="card-tools">${tools}</div>
      `}</div>
      ${body}
    </section>
  `;
}

/** A table in a box that scrolls sideways where it is wider than the screen, also by keys. */
export function scrolled(label: string, table: TemplateResult): TemplateResult {
  return html`
    <div class="table-scroll" role="group" aria-label="${label}" tabindex="0">${table}</div>
  `;
}
