import { html, type TemplateResult } from "../lit.ts";

/** A sentence in which what stands between backticks is set as code. */
export function prose(text: string): (TemplateResult | string)[] {
  return text.split("`").map((part, i) =>
    i % 2 === 0 ? part : html`
      <code>${part}</code>
    `
  );
}
