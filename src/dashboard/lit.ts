// What of lit-html the page uses: the only place that names it.
export { html, nothing, render, type TemplateResult } from "lit-html";
export { repeat } from "lit-html/directives/repeat.js";
export { live } from "lit-html/directives/live.js";
