import type { JsonObject } from "../plugin.ts";
import { LOG_LEVELS, type LogLevel } from "./log_levels.ts";

/** Lines that are kept, and UTF-16 units that their messages and fields may have together. */
export const MAX_KEPT_LINES = 1000;
const MAX_KEPT_CHARS = 4 * 1024 * 1024;

/** A line of the log as it was written. */
export interface KeptLine {
  /** Counts up from 1, without a gap. */
  readonly seq: number;
  /** ms since 1970 */
  readonly at: number;
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: JsonObject;
}

/** Which lines are looked for. */
export interface LineFilter {
  /** Those behind that number. */
  readonly after: number;
  /** Of that level and above. */
  readonly level: LogLevel;
  /** About that plugin; null for all. */
  readonly plugin: string | null;
  /** Those whose message or fields, as JSON, have that text in them, whatever its case; "" for all. */
  readonly text: string;
  /** The newest of them, at most so many. */
  readonly limit: number;
  /** Whether who asks may see the lines about a plugin. */
  readonly maySee: (plugin: string) => boolean;
}

/** The last lines of the log. */
export class LogRing {
  /** The line of number `seq` lies at `seq % MAX_KEPT_LINES`. */
  readonly #lines: { readonly line: KeptLine; readonly json: string }[] = [];
  #first = 1;
  #chars = 0;
  /** The number of the newest; 0 where there is none. */
  last = 0;

  /** @param json the fields as JSON */
  add(at: number, level: LogLevel, message: string, fields: JsonObject, json: string): void {
    const seq = ++this.last;
    if (seq - this.#first >= MAX_KEPT_LINES) this.#drop();
    this.#lines[seq % MAX_KEPT_LINES] = { line: { seq, at, level, message, fields }, json };
    this.#chars += message.length + json.length;
    while (this.#chars > MAX_KEPT_CHARS) this.#drop();
  }

  /** The lines that a filter lets through, the oldest first. */
  find(filter: LineFilter): { lines: KeptLine[]; last: number; missed: number; truncated: boolean } {
    const { after, level, plugin, limit, maySee } = filter;
    const text = filter.text.toLowerCase();
    const least = LOG_LEVELS.indexOf(level);
    const lines: KeptLine[] = [];
    let truncated = false;
    for (let seq = this.last; seq >= Math.max(this.#first, after + 1); seq--) {
      const { line, json } = this.#lines[seq % MAX_KEPT_LINES]!;
      const about = line.fields["plugin"];
      if (LOG_LEVELS.indexOf(line.level) < least || (plugin !== null && about !== plugin)) continue;
      if (typeof about === "string" && !maySee(about)) continue;
      const isFound = text === "" || line.message.toLowerCase().includes(text) ||
        json.toLowerCase().includes(text);
      if (!isFound) continue;
      if (lines.length === limit) {
        truncated = true;
        break;
      }
      lines.push(line);
    }
    const missed = Math.max(0, this.#first - 1 - after);
    return { lines: lines.reverse(), last: this.last, missed, truncated };
  }

  #drop(): void {
    const { line: { message }, json } = this.#lines[this.#first % MAX_KEPT_LINES]!;
    this.#chars -= message.length + json.length;
    delete this.#lines[this.#first % MAX_KEPT_LINES];
    this.#first++;
  }
}
