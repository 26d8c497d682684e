import type { Frame } from "./frame.ts";
import { badge } from "./components/badge.ts";
import { button, iconButton } from "./components/button.ts";
import { openHelp } from "./components/help.ts";
import { icon } from "./components/icon.ts";
import { logo } from "./components/logo.ts";
import { notice } from "./components/notice.ts";
import { html, nothing, type TemplateResult } from "./lit.ts";
import { href } from "./route.ts";
import { VIEWS } from "./views.ts";

/** Figures that are older are told to be, in ms. */
const OLD_MS = 5000;

/** The frame around all views: navigation, heading, and whether what is shown is of now. */
export function shell(app: Frame): TemplateResult {
  const { t } = app;
  return html`
    <a class="skip" href="#content" @click="${(event: Event) => {
      event.preventDefault();
      document.getElementById("content")?.focus();
    }}">${t("shell.skip")}</a>
    <div class="shell">
      <header class="rail ${app.isMenuOpen ? "is-open" : ""}">${rail(app)}</header>
      <main class="main" id="content" tabindex="-1">
        ${app.mode === "booting" ? booting(app) : html`
          <div class="top">
            <h1>${app.view.title()}</h1>
            <div class="top-tools">${app.view.tools?.() ?? nothing}${liveSign(app)}</div>
          </div>
          <div class="view ${app.statsPoller?.isFailing === true ? "is-stale" : ""}">${connection(app)}${app
            .view.render()}</div>
        `}
      </main>
    </div>
    ${app.dialog.render(t("shell.close"))} ${app.palette.render(t)} ${app.toasts.render(t("shell.close"))}
  `;
}

function rail(app: Frame): TemplateResult {
  const { t, me, theme } = app;
  const isChinese = app.languages.language === "zh";
  return html`
    <div class="rail-head">
      <a class="brand" href="#/">${logo(28)}<span><span class="brand-name">mevent</span>
        <span class="brand-host tiny quiet">${me?.server.hostname ?? "…"}</span></span></a>
      <button
        class="button is-plain is-icon menu-button"
        type="button"
        aria-label="${t("shell.menu")}"
        data-name="menu"
        aria-expanded="${app.isMenuOpen ? "true" : "false"}"
        @click="${() => app.toggleMenu()}"
      >
        ${icon(app.isMenuOpen ? "close" : "menu")}
      </button>
    </div>
    <nav class="nav" aria-label="${t("shell.views")}">${VIEWS.map((entry) => {
      const isCurrent = (app.route.segments[0] ?? "") === entry.path;
      const count = entry.count?.(app) ?? null;
      return html`
        <a href="${href(entry.path === "" ? [] : [entry.path])}" aria-current="${isCurrent
          ? "page"
          : nothing}">
          ${icon(entry.icon)}${t(entry.title)}${count === null || count.count === 0 ? nothing : html`
            <span class="nav-count ${count.isBad ? "is-bad" : ""}">${app.format.short(count.count)}</span>
          `}</a>
      `;
    })}</nav>
    <div class="rail-foot">
      <button class="button" type="button" data-name="palette" @click="${() => app.palette.open()}">
        ${icon("search")}
        <span>${t("shell.search")}</span><kbd class="key">${isMac() ? "⌘K" : "Ctrl K"}</kbd>
      </button>
      <div class="rail-tools">
        ${iconButton(THEME_ICONS[theme.theme], t(`shell.theme.${theme.theme}`), () => {
          theme.turn();
          app.update();
        }, "theme")}
        <button
          class="button is-plain"
          type="button"
          data-name="language"
          lang="${isChinese ? "en" : "zh-CN"}"
          @click="${() => app.chooseLanguage(isChinese ? "en" : "zh")}"
        >
          ${t("shell.language")}
        </button>
        ${iconButton("keyboard", t("shell.help"), () => openHelp(app), "help")} ${app.api.hasToken
          ? iconButton("logout", t("shell.logout"), () => app.logout(), "logout")
          : nothing}
      </div>
      ${me === null ? nothing : html`
        <p class="tiny quiet">${me.name === null ? nothing : html`
          ${me.name} ·
        `}${me.server.version}</p>
      `}
    </div>
  `;
}

const THEME_ICONS = { system: "system", light: "sun", dark: "moon" } as const;

function booting(app: Frame): TemplateResult {
  const { t } = app;
  if (app.nextTryAt === null) {
    return html`
      <p class="empty" role="status">${t("shell.loading")}</p>
    `;
  }
  return html`
    <div class="top"><h1>mevent</h1></div><div class="view">${notice(
      "bad",
      t("shell.lost.first", { next: app.format.ms(Math.max(0, app.nextTryAt - Date.now())) }),
      button(t("shell.try_now"), () => app.tryNow()),
    )}</div>
  `;
}

/** Whether the figures are of now, where all is well. */
function liveSign(app: Frame): TemplateResult {
  const { t, ageMs, me } = app;
  const readOnly = me !== null && !me.may.control && !Object.values(me.plugins).some(({ control }) => control)
    ? html`
      <span title="${t("shell.read_only.why")}">${badge("plain", t("shell.read_only"), "info")}</span>
    `
    : nothing;
  const isLost = app.statsPoller?.isFailing === true;
  const isOld = ageMs !== null && ageMs > OLD_MS;
  const text = isLost
    ? t("shell.lost")
    : isOld
    ? t("shell.old", { age: app.format.ms(ageMs) })
    : t("shell.live");
  return html`
    ${readOnly}<span class="live ${isLost ? "is-lost" : isOld ? "is-old" : ""}" data-name="live">
      <i class="live-dot"></i>${text}</span>
  `;
}

/** What stands above a view while figures do not come. */
function connection(app: Frame): TemplateResult | typeof nothing {
  const { t, ageMs, nextTryAt, refusal } = app;
  if (refusal !== null) return notice("bad", t("shell.refused", { why: refusal }));
  if (app.statsPoller?.isFailing !== true || nextTryAt === null) return nothing;
  const next = app.format.ms(Math.max(0, Math.round((nextTryAt - Date.now()) / 1000) * 1000));
  return notice(
    "bad",
    ageMs === null
      ? t("shell.lost.first", { next })
      : t("shell.lost.long", { age: app.format.ms(Math.round(ageMs / 1000) * 1000), next }),
    button(t("shell.try_now"), () => app.tryNow(), { name: "try-now" }),
  );
}

/** Their keyboards call it otherwise. */
export function isMac(): boolean {
  return /Mac|iPhone|iPad/.test(navigator.userAgent);
}
