import { html, type TemplateResult } from "../lit.ts";

/** Two ways that come in, and one that goes on. */
export function logo(size: number): TemplateResult {
  return html`
    <svg width="${size}" height="${size}" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" fill="currentColor" />
      <path
        d="M7 10h4.5l4.5 6-4.5 6H7M16 16h9M21 11.500l4.500 4.500-4.500 4.500"
        fill="none"
        stroke="var(--surface)"
        stroke-width="2.600"
        stroke-linecap="round"
        stroke-linejoin="round"
      />
    </svg>
  `;
}
