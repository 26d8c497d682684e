import type { PluginContext, Timer } from "../plugin.ts";
import { type Schedule, scheduleOf } from "./schedule.ts";
import type { TimerOutcome } from "../ring/messages.ts";
import type { TimerReporter } from "./timer_reporter.ts";
import { cut, textOf, traceOf } from "../text_of.ts";

/** A time that lies far ahead is looked at again after so long: the clock may be set meanwhile; in ms. */
const LOOK_AGAIN_MS = 30_000;

/** The longest that is told of why a run has failed, in UTF-16 units. */
const MAX_MESSAGE = 1000;

/** Runs a plugin's timers in this worker, from {@link begin} to {@link end}; each is a loop of its own. */
export class Timers {
  #abort: AbortController | null = null;
  #ended: Promise<unknown> = Promise.resolve();
  /** Of those that wait: have one run now. */
  readonly #wake = new Map<string, () => void>();
  readonly #last = new Map<string, TimerOutcome>();

  constructor(
    readonly timers: readonly Timer[],
    /** Makes what a run gets. */
    readonly contextFor: (signal: AbortSignal) => PluginContext,
    /** A run that takes longer is logged; in ms. */
    readonly timeout: number,
    /** How they are, and how their last runs were. */
    readonly reporter: TimerReporter,
  ) {}

  /** Has a timer run now; nothing where it runs already, or not here. */
  runNow(name: string): void {
    this.#wake.get(name)?.();
  }

  /** Begins, with what is due from now on. */
  begin(): void {
    if (this.#abort !== null || this.timers.length === 0) return;
    const abort = this.#abort = new AbortController();
    const context = this.contextFor(abort.signal);
    this.#ended = this.#ended.then(() => Promise.all(this.timers.map((timer) => this.#loop(timer, context))));
  }

  /** Begins no run any more, and aborts the signal of those that run; resolves when none does. */
  async end(reason: Error): Promise<void> {
    this.#abort?.abort(reason);
    this.#abort = null;
    await this.#ended;
    this.reporter.flush();
  }

  async #loop(timer: Timer, context: PluginContext): Promise<void> {
    const schedule = scheduleOf(timer);
    for (schedule.next(); await this.#isDue(timer, schedule, context.signal); schedule.next()) {
      // The end may have come in the same turn as the time, before this line.
      if (!context.signal.aborted) await this.#run(timer, context);
    }
  }

  async #isDue({ name }: Timer, schedule: Schedule, signal: AbortSignal): Promise<boolean> {
    const left = schedule.left();
    const dueAt = Number.isFinite(left) ? Math.max(0, Date.now() + left) : null;
    this.reporter.report({ name, begunAt: null, dueAt, last: this.#last.get(name) ?? null });
    const { promise, resolve } = Promise.withResolvers<true>();
    this.#wake.set(name, () => resolve(true));
    const waiting = new AbortController();
    try {
      return await Promise.race([promise, isDue(schedule, AbortSignal.any([signal, waiting.signal]))]);
    } finally {
      this.#wake.delete(name);
      waiting.abort();
    }
  }

  async #run({ name, run }: Timer, context: PluginContext): Promise<void> {
    const { timeout } = this;
    const at = Date.now();
    const begun = performance.now();
    this.reporter.report({ name, begunAt: at, dueAt: null, last: this.#last.get(name) ?? null });
    let outcome: TimerOutcome["outcome"] = "done";
    let message: string | null = null;
    const late = setTimeout(() => {
      context.log.warn("a timer runs longer than the plugin's time-out", {
        timer: name,
        timeout_ms: timeout,
      });
    }, timeout);
    try {
      await run(context);
    } catch (error) {
      // One that was told to end may well say so.
      const level = context.signal.aborted ? "debug" : "error";
      outcome = context.signal.aborted ? "aborted" : "failed";
      message = cut(textOf(error), MAX_MESSAGE);
      context.log[level]("a timer failed", { timer: name, error: traceOf(error) });
    } finally {
      clearTimeout(late);
      this.#last.set(name, { at, tookMs: Math.round(performance.now() - begun), outcome, message });
    }
  }
}

/** Resolves to true when the time has come, to false when there is to be no run any more. */
function isDue(schedule: Schedule, signal: AbortSignal): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  if (signal.aborted) return Promise.resolve(false);
  let timer: number | undefined;
  const stop = () => {
    clearTimeout(timer);
    resolve(false);
  };
  const look = () => {
    const left = schedule.left();
    if (left > 0) timer = setTimeout(look, Math.min(left, LOOK_AGAIN_MS));
    else {
      signal.removeEventListener("abort", stop);
      resolve(true);
    }
  };
  signal.addEventListener("abort", stop, { once: true });
  look();
  return promise;
}
