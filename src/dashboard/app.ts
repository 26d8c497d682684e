import type { Me, Stats } from "../admin/api.ts";
import { ApiClient, ApiError } from "./api_client.ts";
import { type DialogContent, DialogHost } from "./components/dialog.ts";
import { Palette } from "./components/palette.ts";
import { Toasts } from "./components/toasts.ts";
import { Format } from "./format.ts";
import type { Finding } from "./health.ts";
import type { Frame } from "./frame.ts";
import { Keyboard } from "./keyboard.ts";
import { LanguageSwitch } from "./language_switch.ts";
import { textOf, type Translate, type Values } from "./translate.ts";
import { render, type TemplateResult } from "./lit.ts";
import { Login } from "./login.ts";
import type { View } from "./page.ts";
import { paletteItems } from "./palette_items.ts";
import { type Poll, Poller } from "./poller.ts";
import { Preferences } from "./preferences.ts";
import { RateMeter } from "./rates.ts";
import { href, parseRoute, type Route } from "./route.ts";
import { shell } from "./shell.ts";
import { openHelp } from "./components/help.ts";
import { ThemeSwitch } from "./theme.ts";
import type { TextKey } from "./texts.ts";
import { viewMaker } from "./views.ts";
import { missingView } from "./views/missing.ts";

const STATS_MS = 1000;
/** Rights change with reloads and tokens. */
const ME_MS = 30_000;

/** The page: what is asked for all the time, which view is shown, and what lies over it. */
export class App implements Frame {
  readonly api = new ApiClient();
  readonly rates = new RateMeter();
  readonly theme: ThemeSwitch;
  readonly languages: LanguageSwitch;
  readonly dialog = new DialogHost(() => this.update());
  readonly toasts = new Toasts(() => this.update());
  readonly palette: Palette;
  readonly login: Login;
  format: Format;
  stats: Stats | null = null;
  me: Me | null = null;
  findings: readonly Finding[] = [];
  route: Route;
  view: View;
  /** Why figures are refused though the server answers. */
  refusal: string | null = null;
  isMenuOpen = false;
  mode: "booting" | "login" | "ready" = "booting";
  statsPoller: Poller<Stats> | null = null;
  #mePoller: Poller<Me> | null = null;
  #viewPollers: Poller<never>[] = [];
  /** The server's clock less this machine's, in ms. */
  #clockOffset = 0;
  #isDrawing = false;
  #isDrawn = false;
  #names = "";
  readonly #root: HTMLElement;

  constructor(root: HTMLElement) {
    const preferences = new Preferences();
    this.#root = root;
    this.theme = new ThemeSwitch(preferences);
    this.languages = new LanguageSwitch(preferences);
    this.format = new Format(this.languages.language);
    this.palette = new Palette(() => paletteItems(this), () => this.update());
    this.login = new Login((token, keep) => this.#enter(token, keep), () => this.update());
    this.route = parseRoute(location.hash);
    this.view = missingView(this);
  }

  readonly t: Translate = (key: TextKey, values?: Values) => textOf(this.languages.language, key, values);

  get now(): number {
    return Date.now() + this.#clockOffset;
  }

  start(): void {
    addEventListener("hashchange", () => this.#routed());
    new Keyboard(this, () => openHelp(this)).start();
    // The age of figures that have stopped coming is told by the second.
    setInterval(() => {
      if (this.statsPoller?.isFailing === true || this.#mePoller?.isFailing === true) this.update();
    }, 1000);
    this.#askWho();
  }

  update(): void {
    if (this.#isDrawing) return;
    this.#isDrawing = true;
    requestAnimationFrame(() => {
      this.#isDrawing = false;
      this.#draw();
    });
  }

  poll<T>(poll: Poll<T>): Poller<T> {
    const poller = new Poller<T>({
      everyMs: poll.everyMs,
      load: (signal) => poll.load(signal),
      apply: (value) => {
        poll.apply(value);
        this.update();
      },
      failed: (error) => {
        this.#unauthorized(error);
        poll.failed?.(error);
        this.update();
      },
    }).start();
    this.#viewPollers.push(poller as unknown as Poller<never>);
    return poller;
  }

  go(segments: readonly string[], query = {}): void {
    location.hash = href(segments, query);
  }

  filter(changes: { readonly [key: string]: string | null }): void {
    const query = new URLSearchParams(this.route.query);
    for (const [key, value] of Object.entries(changes)) {
      if (value === null || value === "") query.delete(key);
      else query.set(key, value);
    }
    history.replaceState(null, "", href(this.route.segments, Object.fromEntries(query)));
    this.route = parseRoute(location.hash);
    this.view.routed?.();
    this.update();
  }

  toast(level: "good" | "bad", text: string): void {
    this.toasts.add(level, text);
  }

  open(dialog: DialogContent): void {
    this.dialog.open(dialog);
  }

  close(): void {
    this.dialog.close();
  }

  mayControl(plugin?: string): boolean {
    if (this.me === null) return false;
    return plugin === undefined ? this.me.may.control : this.me.plugins[plugin]?.control ?? false;
  }

  refresh(): void {
    this.statsPoller?.now();
    for (const poller of this.#viewPollers) poller.now();
  }

  chooseLanguage(language: "en" | "zh"): void {
    this.languages.choose(language);
    this.format = new Format(language);
    this.update();
  }

  toggleMenu(): void {
    this.isMenuOpen = !this.isMenuOpen;
    this.update();
  }

  logout(): void {
    this.api.useToken("", false);
    this.#stop();
    this.me = null;
    this.stats = null;
    this.#askWho();
  }

  /** How old the figures on screen are, in ms; null where there are none. */
  get ageMs(): number | null {
    const at = this.statsPoller?.lastAt ?? 0;
    return at === 0 ? null : Date.now() - at;
  }

  /** When the server is asked again, after it could not be reached; null while it can. */
  get nextTryAt(): number | null {
    return this.statsPoller?.nextAt ?? this.#mePoller?.nextAt ?? null;
  }

  tryNow(): void {
    this.#mePoller?.now();
    this.refresh();
  }

  #askWho(): void {
    this.mode = "booting";
    this.#mePoller = new Poller<Me>({
      everyMs: ME_MS,
      load: (signal) => this.api.get<Me>("me", {}, signal),
      apply: (me) => this.#known(me),
      failed: (error) => {
        this.#unauthorized(error);
        this.update();
      },
    }).start();
    this.update();
  }

  #known(me: Me): void {
    if (me.needs_token && !me.may.stats && !this.api.hasToken) return this.#askToken();
    this.#clockOffset = me.server.now_at - Date.now();
    this.me = me;
    if (this.mode !== "ready") {
      this.mode = "ready";
      this.#show();
      this.statsPoller = new Poller<Stats>({
        everyMs: STATS_MS,
        load: (signal) => this.api.get<Stats>("stats", {}, signal),
        apply: (stats) => this.#have(stats),
        failed: (error) => {
          this.#unauthorized(error);
          this.refusal = error instanceof ApiError && !error.isUnreachable ? error.message : null;
          this.update();
        },
      }).start();
    }
    this.update();
  }

  #have(stats: Stats): void {
    this.stats = stats;
    this.refusal = null;
    this.rates.look(stats, performance.now());
    this.findings = stats.verdict.findings;
    const names = stats.plugins.map(({ name }) => name).join("\n");
    if (this.#names !== "" && names !== this.#names) this.#mePoller?.now();
    this.#names = names;
    this.update();
  }

  #unauthorized(error: Error): void {
    if (error instanceof ApiError && error.status === 401) this.#askToken();
  }

  #askToken(): void {
    this.#stop();
    this.mode = "login";
    this.update();
  }

  async #enter(token: string, keep: boolean): Promise<void> {
    this.api.useToken(token, false);
    try {
      const me = await this.api.get<Me>("me");
      if (!me.may.stats) throw new ApiError(403, "it may not see the stats");
    } catch (error) {
      this.api.useToken("", false);
      throw error;
    }
    this.api.useToken(token, keep);
    this.#askWho();
  }

  #stop(): void {
    this.dialog.close();
    this.#mePoller?.stop();
    this.statsPoller?.stop();
    this.statsPoller = null;
    this.#leave();
  }

  #leave(): void {
    for (const poller of this.#viewPollers) poller.stop();
    this.#viewPollers = [];
    this.view.left?.();
  }

  #routed(): void {
    const before = this.route.segments;
    this.route = parseRoute(location.hash);
    this.isMenuOpen = false;
    if (this.mode !== "ready") return;
    const isSame = before.length === this.route.segments.length &&
      before.every((segment, i) => segment === this.route.segments[i]);
    if (isSame && this.view.routed !== undefined) {
      this.view.routed();
      this.update();
      return;
    }
    this.dialog.close();
    this.#leave();
    this.#show();
    scrollTo(0, 0);
    this.update();
  }

  #show(): void {
    this.view = (viewMaker(this.route.segments) ?? missingView)(this);
  }

  #draw(): void {
    const title = this.mode === "ready" ? `${this.view.title()} · ` : "";
    const sick = this.findings.some(({ level }) => level === "bad") ? "● " : "";
    document.title = `${sick}${title}${this.me?.server.hostname ?? "mevent"}`;
    // Until now what the page came with stood there.
    if (!this.#isDrawn) this.#root.replaceChildren();
    this.#isDrawn = true;
    render(this.#template(), this.#root);
    this.dialog.drawn(this.#root);
    this.palette.drawn(this.#root);
  }

  #template(): TemplateResult {
    return this.mode === "login" ? this.login.render(this.t) : shell(this);
  }
}
