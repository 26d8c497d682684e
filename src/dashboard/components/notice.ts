import { html, nothing, type TemplateResult } from "../lit.ts";
import { icon, type IconName } from "./icon.ts";
import { prose } from "./prose.ts";

/** A sentence that stands in the view until its cause has gone. */
export function notice(tone: "bad" | "warn" | "plain", text: string, tools?: TemplateResult): TemplateResult {
  return html`
    <div class="notice is-${tone}" role="${tone === "plain" ? nothing : "alert"}">
      ${icon(tone === "plain" ? "info" : tone)}<div class="notice-text">${text}</div>${tools ?? nothing}
    </div>
  `;
}

/** What stands where nothing is: what that means, and what to do. */
export function emptyState(
  sign: IconName,
  title: string,
  text: string,
  tools?: TemplateResult,
): TemplateResult {
  return html`
    <div class="empty">${icon(sign)}<strong>${title}</strong><p>${prose(text)}</p>${tools ?? nothing}</div>
  `;
}
