import type { Log } from "../observe/log.ts";
import { textOf } from "../text_of.ts";
import type { AlertMessage } from "./alert_message.ts";
import { type AlertReceiver, placeOf } from "./alert_rule.ts";
import { SendError } from "./send_error.ts";

/** Messages that wait for one receiver; the oldest makes room. */
export const MAX_WAITING = 100;
/** After so long a message is given up, in ms. */
export const MAX_AGE_MS = 3_600_000;
const FIRST_BACKOFF_MS = 1000;
const LAST_BACKOFF_MS = 60_000;

/** Sends one message once. Rejects with SendError, or with the signal's reason. */
export type Send = (receiver: AlertReceiver, message: AlertMessage, signal: AbortSignal) => Promise<void>;

/** What became of a message: the problem, or null where the receiver has it. */
export type Delivered = (receiver: string, problem: string | null) => void;

export interface DeliveryParts {
  readonly send: Send;
  readonly log: Log;
  /** ms since 1970 */
  readonly clock: () => number;
  /** Resolves after so many ms, or when the signal aborts. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
}

interface Waiting {
  readonly message: AlertMessage;
  readonly delivered: Delivered;
}

/** Messages on their way to one receiver, one after the other, each tried until it is there or given up. */
export class DeliveryQueue {
  readonly #waiting: Waiting[] = [];
  readonly #closing = new AbortController();
  #working: Promise<void> | null = null;
  /** Since the start. */
  sent = 0;
  dropped = 0;
  /** ms since 1970; null where none was. */
  lastSentAt: number | null = null;
  /** Why the last attempt has failed; null where it has not. */
  problem: string | null = null;

  /** @param receiver as it is in the config now; a reload may set another one of that name */
  constructor(public receiver: AlertReceiver, readonly parts: DeliveryParts) {}

  /** Messages that are not delivered yet. */
  get waiting(): number {
    return this.#waiting.length;
  }

  push(message: AlertMessage, delivered: Delivered): void {
    // The first one may be on its way.
    if (this.#waiting.length >= MAX_WAITING) {
      this.#drop(this.#waiting.splice(1, 1)[0]!, "too many others wait");
    }
    this.#waiting.push({ message, delivered });
    this.#working ??= this.#work();
  }

  /** One attempt, beside those that wait; the problem, or null where the receiver has it. */
  async attempt(message: AlertMessage): Promise<string | null> {
    try {
      await this.parts.send(this.receiver, message, this.#closing.signal);
      this.#note(null);
      return null;
    } catch (error) {
      const problem = error instanceof SendError ? error.message : textOf(error);
      this.#note(problem);
      return problem;
    }
  }

  /** Gives what waits so many ms, then gives it up. */
  async close(graceMs: number): Promise<void> {
    if (this.#working === null) return;
    const timer = setTimeout(() => this.#closing.abort(new Error("the server stops")), graceMs);
    await this.#working;
    clearTimeout(timer);
  }

  async #work(): Promise<void> {
    const { signal } = this.#closing;
    for (let failures = 0; this.#waiting.length > 0;) {
      if (signal.aborted) {
        for (const each of this.#waiting.splice(0)) this.#drop(each, "the server stops");
        break;
      }
      const first = this.#waiting[0]!;
      const wait = await this.#deliver(first, failures);
      if (wait === null) {
        this.#waiting.shift();
        failures = 0;
      } else {
        failures++;
        await this.parts.wait(wait, signal);
      }
    }
    this.#working = null;
  }

  /** Tries a message; resolves with how long the next attempt has to wait, in ms, null where there is none. */
  async #deliver(waiting: Waiting, failures: number): Promise<number | null> {
    const { message, delivered } = waiting;
    const { receiver, parts: { send, log, clock } } = this;
    try {
      await send(receiver, message, this.#closing.signal);
      this.#note(null);
      delivered(receiver.name, null);
      return null;
    } catch (error) {
      if (this.#closing.signal.aborted) return 0;
      const problem = error instanceof SendError ? error.message : textOf(error);
      this.#note(problem);
      delivered(receiver.name, problem);
      const isLasting = !(error instanceof SendError) || !error.mayRetry;
      if (isLasting || clock() - message.at >= MAX_AGE_MS) {
        this.#drop(waiting, problem);
        return null;
      }
      const wait = Math.max(Math.min(FIRST_BACKOFF_MS * 2 ** failures, LAST_BACKOFF_MS), error.retryAfter);
      log.warn("alert: a message could not be sent and is tried again", {
        ...this.#fields(message),
        reason: problem,
        retry_in_ms: wait,
      });
      return wait;
    }
  }

  #note(problem: string | null): void {
    this.problem = problem;
    if (problem !== null) return;
    this.sent++;
    this.lastSentAt = this.parts.clock();
  }

  #drop({ message, delivered }: Waiting, reason: string): void {
    this.dropped++;
    delivered(this.receiver.name, reason);
    this.parts.log.error("alert: a message is given up", { ...this.#fields(message), reason });
  }

  #fields({ alert, event, subject }: AlertMessage): Record<string, string> {
    const { receiver } = this;
    const about = subject === null ? {} : { subject };
    return { alert, event, ...about, receiver: receiver.name, to: placeOf(receiver) };
  }
}
