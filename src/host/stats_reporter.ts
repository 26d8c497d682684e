import type { Stats } from "../plugin.ts";
import type { FigureReport } from "../ring/messages.ts";

/** Figures go to the main thread at most this often, in ms. */
const REPORT_EVERY_MS = 100;

/** Different names that a plugin may report figures under, counters and gauges together. */
export const MAX_FIGURES = 1000;
/** The longest of them, in UTF-16 units. */
export const MAX_FIGURE_NAME = 200;

/** The plugin's own figures: collected here, sent on now and then. */
export class StatsReporter implements Stats {
  readonly #counters = new Map<string, number>();
  readonly #gauges = new Map<string, number>();
  /** All names so far. */
  readonly #names = new Set<string>();
  #limits = { depth: 0, keys: 0, figures: 0 };
  #isOverLimit = false;
  #timer: number | undefined;
  /** Monotonic, in ms. */
  #sentAt = -Infinity;

  constructor(readonly send: (report: FigureReport) => void) {}

  count(name: string, by = 1): void {
    checkFigure("count", name, by);
    if (!this.#admits(name)) return;
    this.#counters.set(name, (this.#counters.get(name) ?? 0) + by);
    this.#schedule();
  }

  gauge(name: string, value: number): void {
    checkFigure("gauge", name, value);
    if (!this.#admits(name)) return;
    this.#gauges.set(name, value);
    this.#schedule();
  }

  /** Counts that a limit was reached; told with the figures, for a flood of it is no flood of messages. */
  overLimit(limit: keyof FigureReport["limits"]): void {
    this.#limits[limit]++;
    this.#isOverLimit = true;
    this.#schedule();
  }

  /** Sends what has not been sent; counters as what was added since. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#sentAt = performance.now();
    if (this.#counters.size + this.#gauges.size === 0 && !this.#isOverLimit) return;
    this.send({ counters: [...this.#counters], gauges: [...this.#gauges], limits: this.#limits });
    this.#counters.clear();
    this.#gauges.clear();
    this.#limits = { depth: 0, keys: 0, figures: 0 };
    this.#isOverLimit = false;
  }

  #admits(name: string): boolean {
    if (this.#names.has(name)) return true;
    if (this.#names.size >= MAX_FIGURES) {
      this.overLimit("figures");
      return false;
    }
    this.#names.add(name);
    return true;
  }

  /** The first figures after a while go at once. */
  #schedule(): void {
    if (this.#timer !== undefined) return;
    const left = this.#sentAt + REPORT_EVERY_MS - performance.now();
    this.#timer = setTimeout(() => this.flush(), Math.max(left, 0));
  }
}

function checkFigure(method: string, name: unknown, value: unknown): void {
  if (typeof name !== "string") {
    throw new TypeError(`stats.${method}: the name is a ${typeof name}, not a string`);
  }
  if (name.length > MAX_FIGURE_NAME) {
    throw new TypeError(
      `stats.${method}: the name has ${name.length} characters, it may have ${MAX_FIGURE_NAME}`,
    );
  }
  if (typeof value !== "number") {
    throw new TypeError(`stats.${method}: the figure of "${name}" is a ${typeof value}, not a number`);
  }
  if (!Number.isFinite(value)) throw new TypeError(`stats.${method}: the figure of "${name}" is ${value}`);
}
