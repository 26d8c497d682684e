import { html, type TemplateResult } from "../lit.ts";

/** How full something is, from 0 to 1; its figure stands beside it. */
export function bar(share: number): TemplateResult {
  const tone = share >= 1 ? "is-bad" : share >= 0.8 ? "is-warn" : "";
  const width = share <= 0 ? 0 : Math.max(1.5, Math.min(100, share * 100));
  return html`
    <svg class="bar ${tone}" aria-hidden="true"><rect width="${`${
      width.toFixed(1)
    }%`}" height="100%" rx="3" /></svg>
  `;
}
