import { exactAsText } from "../exact_json.ts";
import type { JsonObject } from "../plugin.ts";
import { besides } from "./log_fields.ts";

export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = typeof LOG_LEVELS[number];

/** Fields that are longer as JSON than so many UTF-16 units are not written. */
const MAX_FIELDS = 65_536;

const COLOURS: Record<LogLevel, string> = { debug: "\x1b[2m", info: "", warn: "\x1b[33m", error: "\x1b[31m" };

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
  #level: number;
  #last = "";
  #repeated = 0;
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
    this.#level = LOG_LEVELS.indexOf(options.level);
  }

  /** Writes lines of this level and above from now on. */
  setLevel(level: LogLevel): void {
    this.#level = LOG_LEVELS.indexOf(level);
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

  /** Never throws: a field that cannot be written costs the line its fields, no more. */
  write(level: LogLevel, message: string, fields: JsonObject = {}): void {
    if (LOG_LEVELS.indexOf(level) < this.#level) return;
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
    this.#line(level, message, written);
  }

  /**
   * Whether a line of this level would be written now; one that would not for want of room is counted as left out. For lines
   * that are dear to make.
   */
  hasRoom(level: LogLevel): boolean {
    if (LOG_LEVELS.indexOf(level) < this.#level) return false;
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

  /** Says how many lines were dropped, where their second is over; to be called about every second. */
  tick(): void {
    if (this.#droppedLines === 0) return;
    const now = this.options.clock();
    if (secondOf(now) !== this.#second) this.#tellDropped(now);
  }

  #tellRepeated(): void {
    if (this.#repeated === 0) return;
    const times = this.#repeated;
    this.#repeated = 0;
    this.#last = "";
    this.#line("info", "the line before was repeated", { times });
  }

  #tellDropped(now: Date): void {
    if (this.#droppedLines === 0) return;
    const lines = this.#droppedLines;
    this.#droppedLines = 0;
    this.#write("warn", "log lines were left out: there were more than max_log_lines in a second", {
      lines,
      max_log_lines: this.maxLines,
    }, now);
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

  #line(level: LogLevel, message: string, fields: JsonObject): void {
    const now = this.options.clock();
    if (this.maxLines === 0 || this.#admits(now)) this.#write(level, message, fields, now);
  }

  #write(level: LogLevel, message: string, fields: JsonObject, now: Date): void {
    const { format, colour, write } = this.options;
    const time = now.toISOString();
    if (format === "json") return write(JSON.stringify(besides({ time, level, message }, fields)) + "\n");
    const pairs = Object.entries(fields).map(([name, value]) => ` ${oneLine(name)}=${textValue(value)}`).join(
      "",
    );
    const line = `${time.slice(11, 23)} ${level.padEnd(5)} ${oneLine(message)}${pairs}`;
    write(colour && COLOURS[level] !== "" ? `${COLOURS[level]}${line}\x1b[0m\n` : `${line}\n`);
  }
}

function secondOf(time: Date): number {
  return Math.floor(time.getTime() / 1000);
}

function textValue(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return oneLine(/[\s"=]/.test(text) || text === "" ? JSON.stringify(text) : text);
}

/** Keeps what a caller or a plugin wrote from forging lines of its own. */
function oneLine(message: string): string {
  return message.replace(/\p{Cc}/gu, (char) => char === "\n" ? "\\n" : " ");
}

/** The fields as plain JSON; those of a plugin's forged message may be anything. */
function writable(fields: JsonObject): JsonObject {
  try {
    return JSON.parse(JSON.stringify(fields, exactAsText));
  } catch {
    return { fields: "cannot be written as JSON" };
  }
}
