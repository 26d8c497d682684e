import { html, type TemplateResult } from "../lit.ts";
import { icon, type IconName } from "./icon.ts";

export type Tone = "good" | "warn" | "bad" | "accent" | "plain";

const SIGNS: { readonly [tone in Tone]: IconName } = {
  good: "good",
  warn: "warn",
  bad: "bad",
  accent: "play",
  plain: "idle",
};

/** A state as a word with a sign; its colour says nothing that these do not. */
export function badge(tone: Tone, text: string, sign: IconName = SIGNS[tone]): TemplateResult {
  return html`
    <span class="badge is-${tone}">${icon(sign)}${text}</span>
  `;
}
