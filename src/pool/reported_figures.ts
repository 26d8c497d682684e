import type { FigureReport } from "../ring/messages.ts";
import { MAX_FIGURES } from "../host/stats_reporter.ts";

/** The counters and gauges that a plugin's workers have reported, under so many different names at most. */
export class ReportedFigures {
  readonly #counters = new Map<string, number>();
  /** By worker. */
  readonly #gauges: Map<string, number>[] = [];
  readonly #names = new Set<string>();

  /** Takes over a worker's report; returns how many of its figures were dropped. */
  report(worker: number, { counters, gauges }: FigureReport): number {
    let dropped = 0;
    for (const [name, by] of counters) {
      if (this.#admits(name)) this.#counters.set(name, (this.#counters.get(name) ?? 0) + by);
      else dropped++;
    }
    const own = this.#gauges[worker] ??= new Map();
    for (const [name, value] of gauges) {
      if (this.#admits(name)) own.set(name, value);
      else dropped++;
    }
    return dropped;
  }

  /** Forgets the gauges of a worker that has ended, or of all; others tell theirs from now on. */
  forgetGauges(worker?: number): void {
    if (worker === undefined) this.#gauges.length = 0;
    else delete this.#gauges[worker];
  }

  /** Added up over the workers, those that were replaced included. */
  get counters(): ReadonlyMap<string, number> {
    return this.#counters;
  }

  get gauges(): ReadonlyMap<string, number> {
    return new Map(this.#gauges.flatMap((gauges) => [...gauges]));
  }

  #admits(name: string): boolean {
    if (this.#names.has(name)) return true;
    if (this.#names.size >= MAX_FIGURES) return false;
    this.#names.add(name);
    return true;
  }
}
