import { button } from "./components/button.ts";
import { logo } from "./components/logo.ts";
import { notice } from "./components/notice.ts";
import type { Translate } from "./translate.ts";
import { html, nothing, type TemplateResult } from "./lit.ts";

/** The form that asks for a token. */
export class Login {
  #problem: string | null = null;
  #isBusy = false;
  /** Whether a token logs in; throws what is wrong with it. */
  readonly #enter: (token: string, keep: boolean) => Promise<void>;
  readonly #update: () => void;

  constructor(enter: (token: string, keep: boolean) => Promise<void>, update: () => void) {
    this.#enter = enter;
    this.#update = update;
  }

  render(t: Translate): TemplateResult {
    return html`
      <main class="login">
        <form class="card" @submit="${(event: SubmitEvent) => this.#submit(event)}">
          <div class="login-head">${logo(32)}<h1>${t("login.title")}</h1></div>
          <p class="soft">${t("login.why", {
            how: t("login.how"),
          })} <code>mevent token add NAME --allow stats,control</code></p>
          <div class="field">
            <label for="token">${t("login.token")}</label>
            <input
              class="input mono"
              id="token"
              name="token"
              type="password"
              autocomplete="current-password"
              required
              autofocus
              spellcheck="false"
            >
          </div>
          <label class="check"><input type="checkbox" name="keep" checked> ${t("login.keep")}</label>
          ${this.#problem === null
            ? nothing
            : notice("bad", t("login.wrong", { why: this.#problem }))} ${button(
              this.#isBusy ? t("login.checking") : t("login.go"),
              () => {},
              {
                kind: "main",
                submit: true,
                disabled: this.#isBusy,
                name: "login",
              },
            )}
        </form>
      </main>
    `;
  }

  async #submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const form = new FormData(event.target as HTMLFormElement);
    this.#isBusy = true;
    this.#problem = null;
    this.#update();
    try {
      await this.#enter(String(form.get("token")).trim(), form.get("keep") !== null);
    } catch (error) {
      this.#problem = error instanceof Error ? error.message : String(error);
    }
    this.#isBusy = false;
    this.#update();
  }
}
