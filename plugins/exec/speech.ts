import type { JsonObject, Logger } from "mevent/plugin";

/** Longest text of a line, in UTF-16 units. */
export const MAX_TEXT = 4096;
const MAX_LINES_PER_SECOND = 100;

export type Level = "debug" | "info" | "warn" | "error";
export const LEVELS: readonly Level[] = ["debug", "info", "warn", "error"];

/** What is logged of a child and for it: so many lines a second, the others are counted. */
export class Speech {
  #second = -1;
  #lines = 0;
  #leftOut = 0;
  #timer: number | undefined;

  /** @param now monotonic, in ms */
  constructor(readonly log: Logger, readonly now: () => number) {}

  say(level: Level, message: string, fields?: JsonObject): void {
    const second = Math.floor(this.now() / 1000);
    if (second !== this.#second) {
      this.tellLeftOut();
      this.#second = second;
      this.#lines = 0;
    }
    if (++this.#lines > MAX_LINES_PER_SECOND) {
      this.#leftOut++;
      this.#timer ??= setTimeout(() => this.tellLeftOut(), 1000);
    } else this.log[level](message.slice(0, MAX_TEXT), fields);
  }

  tellLeftOut(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const lines = this.#leftOut;
    this.#leftOut = 0;
    if (lines > 0) {
      this.log.warn("the child had more to log than is taken in a second", {
        lines_left_out: lines,
        taken: MAX_LINES_PER_SECOND,
      });
    }
  }
}
