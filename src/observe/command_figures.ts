import { LatencyHistogram, LatencyTotal } from "./latency_histogram.ts";
import type { CommandStats, Latency } from "./server_stats.ts";

/** Commands of a plugin that are counted each for itself: those that run first. The further ones are counted together. */
export const MAX_COUNTED_COMMANDS = 32;

/** What became of the operations of one command. */
export class CommandFigures {
  done = 0;
  failed = 0;
  /** Of those, their callers' mistakes. */
  refused = 0;
  /** How long operations ran, and what else passed between their acceptance and their reply; in µs. */
  readonly wait = new LatencyHistogram();
  readonly run = new LatencyHistogram();

  /** @param number null where it is all further commands */
  constructor(readonly number: number | null) {}
}

const NOBODY = new CommandFigures(null);

/** The times of all, and of the last minute. */
export interface Latencies {
  readonly wait_us: Latency;
  readonly run_us: Latency;
  readonly wait_us_last_minute: Latency;
  readonly run_us_last_minute: Latency;
}

/** The figures of a plugin's commands; those of the plugin are all of them together. */
export class CommandTable {
  readonly #byNumber = new Map<number, CommandFigures>();
  #others: CommandFigures | null = null;
  /** The one that was asked for last: often it is the next one, too. */
  #lastNumber = -1;
  #last: CommandFigures = NOBODY;
  readonly #total = new LatencyTotal();

  of(number: number): CommandFigures {
    return number === this.#lastNumber ? this.#last : this.#find(number);
  }

  /** Those that have run, the others last. */
  get all(): CommandFigures[] {
    return [...this.#byNumber.values(), ...this.#others === null ? [] : [this.#others]];
  }

  /** Adds the times of all. */
  addTimes(wait: LatencyTotal, run: LatencyTotal): void {
    for (const command of this.#byNumber.values()) {
      command.wait.addTo(wait);
      command.run.addTo(run);
    }
    this.#others?.wait.addTo(wait);
    this.#others?.run.addTo(run);
  }

  /** The times of all together; @param now monotonic, in ms */
  latencies(now: number): Latencies {
    return this.#latenciesOf(this.all, now);
  }

  /** @param nameOf what the plugin calls a command; undefined where it has it no more */
  stats(now: number, nameOf: (number: number) => string | undefined): CommandStats[] {
    return this.all.map((command) => {
      const { number, done, failed, refused, wait, run } = command;
      return {
        number,
        name: number === null ? "" : nameOf(number) ?? "",
        done,
        failed,
        refused,
        ...this.#latenciesOf([command], now),
        wait_histogram: this.#added((total) => wait.addTo(total)).classic,
        run_histogram: this.#added((total) => run.addTo(total)).classic,
      };
    });
  }

  #latenciesOf(commands: readonly CommandFigures[], now: number): Latencies {
    const of = (which: "wait" | "run") =>
      latencyOf(this.#added((total) => {
        for (const command of commands) command[which].addTo(total);
      }));
    const recent = (which: "wait" | "run") =>
      latencyOf(this.#added((total) => {
        for (const command of commands) command[which].addRecentTo(total, now);
      }));
    return {
      wait_us: of("wait"),
      run_us: of("run"),
      wait_us_last_minute: recent("wait"),
      run_us_last_minute: recent("run"),
    };
  }

  #added(add: (total: LatencyTotal) => void): LatencyTotal {
    add(this.#total.clear());
    return this.#total;
  }

  #find(number: number): CommandFigures {
    let found = this.#byNumber.get(number);
    if (found === undefined) {
      if (this.#byNumber.size >= MAX_COUNTED_COMMANDS) found = this.#others ??= new CommandFigures(null);
      else this.#byNumber.set(number, found = new CommandFigures(number));
    }
    this.#lastNumber = number;
    return this.#last = found;
  }
}

export function latencyOf(total: LatencyTotal): Latency {
  return { p50: total.quantile(0.5), p99: total.quantile(0.99) };
}
