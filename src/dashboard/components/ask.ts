import type { TextKey } from "../texts.ts";
import type { Page } from "../page.ts";
import { html, nothing, type TemplateResult } from "../lit.ts";
import { button } from "./button.ts";
import { notice } from "./notice.ts";

/** A change that is looked at before it is made. */
export interface Question<Preview, Done> {
  readonly title: string;
  /** What would be done, as the server says without doing it. */
  preview(): Promise<Preview>;
  /** What stands in the dialog, and on its button. */
  body(preview: Preview): TemplateResult | string;
  go(preview: Preview): string;
  /** There is nothing to be done. */
  isVain?(preview: Preview): boolean;
  readonly isDanger?: boolean;
  change(preview: Preview): Promise<Done>;
  /** The message when it is done. */
  done(result: Done): string;
}

/** Asks before a change: what it would do comes from the server, and what it did is told. */
export function ask<Preview, Done>(page: Page, question: Question<Preview, Done>): void {
  let preview: Preview | null = null;
  let problem: string | null = null;
  let isBusy = false;
  let isOver = false;
  const sentence = (error: unknown) => error instanceof Error ? error.message : String(error);
  const change = async (looked: Preview) => {
    isBusy = true;
    problem = null;
    page.update();
    try {
      const result = await question.change(looked);
      if (!isOver) page.close();
      page.toast("good", question.done(result));
      page.refresh();
    } catch (error) {
      problem = sentence(error);
      if (isOver) page.toast("bad", page.t(FAILED, { why: problem }));
    }
    isBusy = false;
    page.update();
  };
  page.open({
    title: () => question.title,
    body: () =>
      html`
        ${preview === null
          ? problem === null
            ? html`
              <p class="quiet">${page.t("shell.loading")}</p>
            `
            : nothing
          : question.body(preview)} ${problem === null
          ? nothing
          : notice("bad", page.t(FAILED, { why: problem }))}
      `,
    foot: () => {
      const looked = preview;
      const isVain = looked !== null && question.isVain?.(looked) === true;
      return html`
        ${button(page.t(isVain ? "shell.close" : "shell.cancel"), () => page.close(), {
          name: "dialog-cancel",
        })} ${looked === null || isVain ? nothing : button(question.go(looked), () => change(looked), {
          kind: question.isDanger ? "danger" : "main",
          disabled: isBusy,
          name: "dialog-go",
        })}
      `;
    },
    closed: () => isOver = true,
  });
  question.preview().then((value) => preview = value, (error) => problem = sentence(error)).finally(() =>
    page.update()
  );
}

const FAILED: TextKey = "shell.failed";
