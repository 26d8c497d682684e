import type { Stats } from "../plugin.ts";

/** Figures go to the main thread at most this often, in ms. */
const REPORT_EVERY_MS = 100;

type Figures = [string, number][];

/** The plugin's own figures: collected here, sent on now and then. */
export class StatsReporter implements Stats {
  readonly #counters = new Map<string, number>();
  readonly #gauges = new Map<string, number>();
  #timer: number | undefined;

  constructor(readonly send: (counters: Figures, gauges: Figures) => void) {}

  count(name: string, by = 1): void {
    checkFigure("count", name, by);
    this.#counters.set(name, (this.#counters.get(name) ?? 0) + by);
    this.#schedule();
  }

  gauge(name: string, value: number): void {
    checkFigure("gauge", name, value);
    this.#gauges.set(name, value);
    this.#schedule();
  }

  /** Sends what has not been sent; counters as what was added since. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#counters.size + this.#gauges.size === 0) return;
    this.send([...this.#counters], [...this.#gauges]);
    this.#counters.clear();
    this.#gauges.clear();
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => this.flush(), REPORT_EVERY_MS);
  }
}

function checkFigure(method: string, name: unknown, value: unknown): void {
  if (typeof name !== "string") {
    throw new TypeError(`stats.${method}: the name is a ${typeof name}, not a string`);
  }
  if (typeof value !== "number") {
    throw new TypeError(`stats.${method}: the figure of "${name}" is a ${typeof value}, not a number`);
  }
  if (!Number.isFinite(value)) throw new TypeError(`stats.${method}: the figure of "${name}" is ${value}`);
}
