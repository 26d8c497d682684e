import { exactAsText } from "../exact_json.ts";
import type { JsonObject } from "../plugin.ts";
import { type LogLevel, LogLevels } from "./log_levels.ts";
import { lineOfJson, lineOfText } from "./log_line.ts";
import { LogRing } from "./log_ring.ts";

export { LOG_LEVELS, type LogLevel } from "./log_levels.ts";

/** Fields that are longer as JSON than so many UTF-16 units are not written. */
const MAX_FIELDS = 65_536;
/** A line that is repeated on and on is told of after so long at the latest, in ms. */
const TELL_REPEATED_MS = 60_000;

export interface LogOptions {
  readonly level: LogLevel;
  /** Short text for people, or a JSON object a line for machines. */
  readonly format: "text" | "json";
  readonly colour: boolean;
  readonly write: (line: string) => void;
  /** Lines written in one second; those above it are counted and told when it is over. 0 or nothing is no bound. */
  readonly maxLines?: number;
  /** Now, as a Date. */
  readonly clock: () => Date;
}

/** Writes one line an event, with stable keys; a line that repeats the one before is counted, not written again. */
export class Log {
  readonly levels: LogLevels;
  /** The last lines that were written. */
  readonly ring = new LogRing();
  #last = "";
  #repeated = 0;
  /** When the last line was written, in ms since 1970. */
  #lastAt = 0;
  /** Since the start, lines that were over the bound. */
  dropped = 0;
  /** Lines written in one second at most; 0 is no bound. */
  maxLines: number;
  /** The second that is counted for, of the Unix epoch, and its lines: those written, those dropped. */
  #second = 0;
  #lines = 0;
  #droppedLines = 0;

  constructor(readonly options: LogOptions) {
    this.maxLines = options.maxLines ?? 0;
    this.levels = new LogLevels(options.level);
  }

  debug(message: string, fields: JsonObject = {}): void {
    this.write("debug", message, fields);
  }
  info(message: string, fields: JsonObject = {}): void {
    this.write("info", message, fields);
  }
  warn(message: string, fields: JsonObject = {}): void {
    this.write("warn", message, fields);
  }
  error(message: string, fields: JsonObject = {}): void {
    this.write("error", message, fields);
  }

  /**
   * Never throws: a field that cannot be written costs the line its fields, no more. A line with the field `plugin` is about that
   * plugin, whose level counts.
   */
  write(level: LogLevel, message: string, fields: JsonObject = {}): void {
    if (!this.levels.admits(level, fields["plugin"])) return;
    let written = writable(fields);
    let text = JSON.stringify(written);
    if (text.length > MAX_FIELDS) {
      written = { fields: `not written: they have ${text.length} characters` };
      text = JSON.stringify(written);
    }
    const key = level + message + text;
    if (key === this.#last) {
      this.#repeated++;
      return;
    }
    this.#tellRepeated();
    this.#last = key;
    this.#line(level, message, written, text);
  }

  /**
   * Whether a line of this level about a plugin would be written now; one that would not for want of room is counted as left out.
   * For lines that are dear to make.
   */
  hasRoom(level: LogLevel, plugin: string): boolean {
    if (!this.levels.admits(level, plugin)) return false;
    if (this.maxLines === 0 || this.#lines < this.maxLines) return true;
    if (secondOf(this.options.clock()) !== this.#second) return true;
    this.dropped++;
    this.#droppedLines++;
    return false;
  }

  /** Says how often the last line was repeated, and how many were dropped. */
  flush(): void {
    this.#tellRepeated();
    this.#tellDropped(this.options.clock());
  }

  /**
   * Says how many lines were dropped, where their second is over, and how often one was repeated, where that goes on for long; to be
   * called about every second.
   */
  tick(): void {
    if (this.#droppedLines === 0 && this.#repeated === 0) return;
    const now = this.options.clock();
    if (secondOf(now) !== this.#second) this.#tellDropped(now);
    if (now.getTime() - this.#lastAt >= TELL_REPEATED_MS) this.#tellRepeated();
  }

  #tellRepeated(): void {
    if (this.#repeated === 0) return;
    const times = this.#repeated;
    this.#repeated = 0;
    this.#last = "";
    this.#line("info", "the line before was repeated", { times }, JSON.stringify({ times }));
  }

  #tellDropped(now: Date): void {
    if (this.#droppedLines === 0) return;
    const lines = this.#droppedLines;
    this.#droppedLines = 0;
    const fields = { lines, max_log_lines: this.maxLines };
    const message = "log lines were left out: there were more than max_log_lines in a second";
    this.#write("warn", message, fields, JSON.stringify(fields), now);
  }

  /** Whether one more line may be written in this second. */
  #admits(now: Date): boolean {
    const second = secondOf(now);
    if (second !== this.#second) {
      this.#tellDropped(now);
      this.#second = second;
      this.#lines = 0;
    }
    if (this.#lines < this.maxLines) {
      this.#lines++;
      return true;
    }
    this.dropped++;
    this.#droppedLines++;
    return false;
  }

  #line(level: LogLevel, message: string, fields: JsonObject, json: string): void {
    const now = this.options.clock();
    if (this.maxLines === 0 || this.#admits(now)) this.#write(level, message, fields, json, now);
  }

  #write(level: LogLevel, message: string, fields: JsonObject, json: string, now: Date): void {
    const { format, colour, write } = this.options;
    this.#lastAt = now.getTime();
    this.ring.add(this.#lastAt, level, message, fields, json);
    write(
      format === "json"
        ? lineOfJson(now, level, message, fields)
        : lineOfText(now, level, message, fields, colour),
    );
  }
}

function secondOf(time: Date): number {
  return Math.floor(time.getTime() / 1000);
}

/** The fields as plain JSON; those of a plugin's forged message may be anything. */
function writable(fields: JsonObject): JsonObject {
  try {
    return JSON.parse(JSON.stringify(fields, exactAsText));
  } catch {
    return { fields: "cannot be written as JSON" };
  }
}
