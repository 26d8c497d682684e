import type { Context } from "mevent/plugin";
import { Breaker } from "./breaker.ts";
import { Gate } from "./gate.ts";
import type { RequestSettings, WebhookSettings } from "./settings.ts";

const ERROR = 14;
/** Who waits for a reply is put off for so long at most, in ms; beyond that he is told at once. */
const LONGEST_FOR_CALLER_MS = 2000;
/** A host that asks for more time by Retry-After is left alone for so long at most, in ms. */
const LONGEST_REST_MS = 300_000;

/** A host that requests go to, as one worker sees it: its bounds, and whether it is down or wants to be left alone. */
export class Host {
  readonly #gate: Gate;
  readonly #breaker: Breaker;
  /** It has asked to be left alone until then; monotonic, in ms. */
  #restUntil = -Infinity;

  constructor(
    /** As it is named in sentences. */
    readonly name: string,
    { concurrency, interval }: Pick<RequestSettings, "concurrency" | "interval">,
    { breakerFailures, breakerPause }: Pick<WebhookSettings, "breakerFailures" | "breakerPause">,
    readonly now: () => number,
    readonly random: () => number,
  ) {
    this.#gate = new Gate(concurrency, interval, now, random);
    this.#breaker = new Breaker(breakerFailures, breakerPause, now);
  }

  /** No request is under way, and none waits. */
  get isIdle(): boolean {
    return this.#gate.isIdle;
  }

  get isDown(): boolean {
    return this.#breaker.isOpen;
  }

  /** Resolves when a request may be made. Rejects with what to throw where none may be made now. */
  async enter(context: Context<unknown>): Promise<void> {
    this.#refuse(context);
    const putOff = await this.#gate.enter(context.signal);
    if (putOff !== null) throw this.#later(context, putOff, "its bounds of concurrency and rate are reached");
    try {
      // While it waited at the gate, others may have found the host down.
      this.#refuse(context);
    } catch (error) {
      this.#gate.leave(null);
      throw error;
    }
    this.#breaker.begin();
  }

  /**
   * The request has ended: the host has done its part, has not, or that is not known.
   *
   * @param stay how long it took, in ms
   * @param rest how long the host asks to be left alone, in ms
   * @returns whether the host has come up or gone down by it
   */
  leave(outcome: "up" | "down" | "unknown", stay: number, rest = 0): "up" | "down" | null {
    this.#restUntil = Math.max(this.#restUntil, this.now() + Math.min(rest, LONGEST_REST_MS));
    // First of all: whoever enters next is to see it.
    const changed = this.#judge(outcome);
    this.#gate.leave(stay);
    return changed;
  }

  #judge(outcome: "up" | "down" | "unknown"): "up" | "down" | null {
    if (outcome === "up") return this.#breaker.succeeded() ? "up" : null;
    if (outcome === "down") return this.#breaker.failed() ? "down" : null;
    this.#breaker.unknown();
    return null;
  }

  /** Throws where the host wants to be left alone, or is down. */
  #refuse(context: Context<unknown>): void {
    const rest = this.#restUntil - this.now();
    if (rest > 0) throw this.#later(context, rest, "it has asked to be left alone by Retry-After");
    const pause = this.#breaker.left;
    if (pause === 0) return;
    context.stats.count("not tried");
    throw context.fail(ERROR, `${this.name} is down; it is tried again in ${Math.ceil(pause)} ms`, {
      retryAfter: pause,
    });
  }

  #later(context: Context<unknown>, ms: number, why: string): Error {
    const sentence = `${this.name} takes no more requests now: ${why}`;
    if (context.sync && (ms > LONGEST_FOR_CALLER_MS || Date.now() + ms > context.deadline)) {
      return context.fail(ERROR, sentence, { retryAfter: ms });
    }
    context.stats.count("put off");
    return context.later(ms, sentence);
  }
}
