type Figures = readonly (readonly [string, number])[];

/** The counters and gauges that a plugin's workers have reported. */
export class ReportedFigures {
  readonly #counters = new Map<string, number>();
  /** By worker. */
  readonly #gauges: Map<string, number>[] = [];

  /** Counters come as what was added since the last report, gauges as they stand. */
  report(worker: number, counters: Figures, gauges: Figures): void {
    for (const [name, by] of counters) this.#counters.set(name, (this.#counters.get(name) ?? 0) + by);
    const own = this.#gauges[worker] ??= new Map();
    for (const [name, value] of gauges) own.set(name, value);
  }

  /** Forgets the gauges; other workers tell theirs from now on. */
  forgetGauges(): void {
    this.#gauges.length = 0;
  }

  /** Added up over the workers, those that were replaced included. */
  get counters(): ReadonlyMap<string, number> {
    return this.#counters;
  }

  get gauges(): ReadonlyMap<string, number> {
    return new Map(this.#gauges.flatMap((gauges) => [...gauges]));
  }
}
