import type { Poller } from "./poller.ts";
import type { Stats } from "../admin/api.ts";
import type { DialogHost } from "./components/dialog.ts";
import type { Palette } from "./components/palette.ts";
import type { Toasts } from "./components/toasts.ts";
import type { LanguageSwitch } from "./language_switch.ts";
import type { Page, View } from "./page.ts";
import type { ThemeSwitch } from "./theme.ts";

/** What the frame around the views knows beside what these do. */
export interface Frame extends Page {
  readonly mode: "booting" | "login" | "ready";
  readonly view: View;
  readonly theme: ThemeSwitch;
  readonly languages: LanguageSwitch;
  readonly dialog: DialogHost;
  readonly toasts: Toasts;
  readonly palette: Palette;
  readonly statsPoller: Poller<Stats> | null;
  /** How old the figures on screen are, in ms; null where there are none. */
  readonly ageMs: number | null;
  /** When the server is asked again, after it could not be reached; null while it can. */
  readonly nextTryAt: number | null;
  /** Why figures are refused though the server answers. */
  readonly refusal: string | null;
  readonly isMenuOpen: boolean;
  toggleMenu(): void;
  chooseLanguage(language: "en" | "zh"): void;
  logout(): void;
  tryNow(): void;
}
