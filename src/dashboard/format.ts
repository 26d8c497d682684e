import type { Language } from "./translate.ts";

const BYTES = ["B", "KiB", "MiB", "GiB", "TiB"];

/** Figures, amounts and times as people read them. */
export class Format {
  readonly language: Language;
  readonly #whole: Intl.NumberFormat;
  readonly #one: Intl.NumberFormat;
  readonly #two: Intl.NumberFormat;
  readonly #compact: Intl.NumberFormat;
  readonly #percent: Intl.NumberFormat;
  readonly #time: Intl.DateTimeFormat;
  readonly #minute: Intl.DateTimeFormat;
  readonly #day: Intl.DateTimeFormat;
  readonly #full: Intl.DateTimeFormat;

  /** @param zone that of the machine where it is not given */
  constructor(language: Language, zone?: string) {
    this.language = language;
    const locale = language === "zh" ? "zh-CN" : "en-GB";
    const timeZone = zone === undefined ? {} : { timeZone: zone };
    this.#whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
    this.#one = new Intl.NumberFormat("en-US", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
    this.#two = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 2 });
    this.#compact = new Intl.NumberFormat("en-US", { notation: "compact", maximumSignificantDigits: 3 });
    this.#percent = new Intl.NumberFormat("en-US", { style: "percent", maximumSignificantDigits: 2 });
    this.#time = new Intl.DateTimeFormat(locale, {
      ...timeZone,
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
      hourCycle: "h23",
    });
    this.#minute = new Intl.DateTimeFormat(locale, {
      ...timeZone,
      hour: "2-digit",
      minute: "2-digit",
      hourCycle: "h23",
    });
    this.#day = new Intl.DateTimeFormat(locale, { ...timeZone, month: "short", day: "numeric" });
    this.#full = new Intl.DateTimeFormat(locale, { ...timeZone, dateStyle: "medium", timeStyle: "long" });
  }

  /** `12,345` */
  count(value: number): string {
    return this.#whole.format(value);
  }

  /** `12.3K`, for where there is little room. */
  short(value: number): string {
    return Math.abs(value) < 10_000 ? this.#whole.format(value) : this.#compact.format(value);
  }

  /** So many a second: `0.4`, `12.5`, `1,204`; null is `–`. */
  rate(value: number | null): string {
    if (value === null) return "–";
    if (value === 0) return "0";
    if (value < 1) return this.#two.format(value);
    return value < 100 ? this.#one.format(value) : this.short(value);
  }

  /** A share from 0 to 1: `12%`, and never 0 or 100 % where it is not. */
  share(value: number): string {
    if (value > 0 && value < 0.0001) return "<0.01%";
    if (value < 1 && value > 0.999) return ">99.9%";
    return this.#percent.format(value);
  }

  bytes(value: number): string {
    let unit = 0;
    let left = value;
    while (Math.abs(left) >= 1024 && unit < BYTES.length - 1) {
      left /= 1024;
      unit++;
    }
    return `${unit === 0 || left >= 100 ? this.#whole.format(left) : this.#one.format(left)} ${BYTES[unit]}`;
  }

  /** `840 µs`, `3.1 ms`, `12 s`, `4 min`, `3 h`, `2 d`. */
  ms(value: number): string {
    const [digits, unit] = parts(value);
    const text = digits === 0 || digits >= 10 ? this.#whole.format(digits) : this.#one.format(digits);
    return `${text} ${this.language === "zh" ? CHINESE[unit] ?? unit : unit}`;
  }

  us(value: number | null): string {
    return value === null ? "–" : this.ms(value / 1000);
  }

  /** Up to the second, and the day where it is another. */
  time(at: number, now: number): string {
    const text = this.#time.format(at);
    return isSameDay(at, now) ? text : `${this.#day.format(at)} ${text}`;
  }

  /** Up to the minute. */
  minute(at: number): string {
    return this.#minute.format(at);
  }

  /** All of it, for titles. */
  full(at: number): string {
    return this.#full.format(at);
  }
}

const CHINESE: { readonly [unit: string]: string } = {
  µs: "微秒",
  ms: "毫秒",
  s: "秒",
  min: "分钟",
  h: "小时",
  d: "天",
};

function parts(ms: number): [number, string] {
  if (ms === 0) return [0, "ms"];
  if (ms < 0.9995) return [ms * 1000, "µs"];
  if (ms < 999.5) return [ms, "ms"];
  if (ms < 119_500) return [ms / 1000, "s"];
  if (ms < 7_170_000) return [ms / 60_000, "min"];
  if (ms < 172_000_000) return [ms / 3_600_000, "h"];
  return [ms / 86_400_000, "d"];
}

function isSameDay(a: number, b: number): boolean {
  return new Date(a).toDateString() === new Date(b).toDateString();
}
