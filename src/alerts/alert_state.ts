export type AlertStateName = "ok" | "pending" | "firing" | "clearing";

/** What is to be told after a look. */
export type AlertNews = "firing" | "resolved" | "repeated";

/** In ms. */
export interface AlertTimes {
  readonly for: number;
  readonly clear: number;
  /** 0 is never. */
  readonly repeat: number;
}

/**
 * Whether an alert is told. What its rule watches holds or does not, at each look:
 *
 * ```
 *         holds                holds for `for`: told               does not hold
 *    ok ─────────► pending ───────────────────────────► firing ────────────────► clearing
 *    ▲ ◄────────────┘                                     ▲ ◄───────holds───────────┘ │
 *    │   does not hold                                    └─ told again each `repeat` │
 *    └──────────────────────── does not hold for `clear`: told ◄──────────────────────┘
 * ```
 *
 * A `for` or `clear` of 0 passes the state before it by.
 */
export class AlertState {
  #name: AlertStateName = "ok";
  /** When what it watches began to hold (pending, firing), or not to (clearing); monotonic, in ms. */
  #since = 0;
  /** When it has begun to hold for the last time that it is told of; null where it is not told. */
  #begun: number | null = null;
  #toldAt = 0;

  get name(): AlertStateName {
    return this.#name;
  }

  /** Since when it holds, monotonic in ms; null where it is ok. */
  get since(): number | null {
    return this.#name === "pending" ? this.#since : this.#begun;
  }

  /** Its firing has been told, its end has not. */
  get isTold(): boolean {
    return this.#begun !== null;
  }

  /**
   * What it watches holds, or does not.
   *
   * @param now monotonic, in ms
   */
  look(holds: boolean, now: number, times: AlertTimes): AlertNews | null {
    switch (this.#name) {
      case "ok":
        if (!holds) return null;
        this.#go("pending", now);
        return now - this.#since >= times.for ? this.#fire(now) : null;
      case "pending":
        if (!holds) this.#go("ok", now);
        else if (now - this.#since >= times.for) return this.#fire(now);
        return null;
      case "firing":
        if (!holds) {
          this.#go("clearing", now);
          return times.clear === 0 ? this.#resolve(now) : null;
        }
        return this.#repeat(now, times.repeat);
      case "clearing":
        if (holds) {
          this.#name = "firing";
          return this.#repeat(now, times.repeat);
        }
        return now - this.#since >= times.clear ? this.#resolve(now) : null;
    }
  }

  #go(name: AlertStateName, now: number): void {
    this.#name = name;
    this.#since = now;
  }

  #fire(now: number): AlertNews {
    this.#name = "firing";
    this.#begun = this.#since;
    this.#toldAt = now;
    return "firing";
  }

  #repeat(now: number, repeat: number): AlertNews | null {
    if (repeat === 0 || now - this.#toldAt < repeat) return null;
    this.#toldAt = now;
    return "repeated";
  }

  #resolve(now: number): AlertNews {
    this.#go("ok", now);
    this.#begun = null;
    return "resolved";
  }
}
