import { setTimeout as sleep } from "node:timers/promises";
import type { Context, PluginContext, Result } from "mevent/plugin";
import { Child } from "./child.ts";
import { Guard } from "./guard.ts";
import type { Answer, ChildMessage } from "./messages.ts";
import type { ExecSettings } from "./settings.ts";
import { Speech } from "./speech.ts";

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 30_000;
/** A child that has lived for so long is no part of a row of failures; in ms. */
const LONG_LIFE_MS = 10_000;
const ERROR = 14;

/** An operation that the child has not answered yet. */
interface Pending {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
  readonly context: Context<unknown>;
}

/** Keeps one child running, gives it operations and hands back what it answers. */
export class Runner {
  readonly #pending = new Map<number, Pending>();
  readonly #speech: Speech;
  readonly #guard: Guard;
  #child: Child | null = null;
  #lastId = 0;
  /** Those who wait for the child to be there. */
  #up = Promise.withResolvers<void>();
  /** When the next one is started; monotonic, in ms. */
  #nextStart = 0;
  /** Ends in a row, each soon after its start. */
  #failures = 0;
  /** Operations that the child has done. */
  #answered = 0;
  /** Why there is no child. */
  #absence = "it has not started yet";
  #keeping: Promise<void> = Promise.resolve();

  constructor(readonly settings: ExecSettings, readonly context: PluginContext) {
    this.#speech = new Speech(context.log, () => performance.now());
    this.#guard = new Guard(this.#speech, () => performance.now());
  }

  /** Starts the first child; throws where it does not get ready. */
  async start(): Promise<void> {
    const child = await this.#startChild();
    this.#keeping = this.#keep(child);
  }

  /** Throws where there is no child. */
  health(): void {
    if (this.#child === null) throw new Error(`there is no child process: ${this.#absence}`);
  }

  /** Has the child run one operation. */
  async run(context: Context<unknown>, name: string): Promise<Result> {
    const child = this.#child ?? await this.#waitForChild(context);
    const { command, sync, deadline } = context;
    const params = context.params.exact();
    const id = ++this.#lastId;
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    this.#pending.set(id, { resolve, reject, context });
    const cancelling = this.#cancelOnAbort(child, id, context);
    child.send({ id, command, name, operation: context.id, sync, deadline, params });
    try {
      return resultOf(await promise, context);
    } finally {
      this.#pending.delete(id);
      cancelling.end();
    }
  }

  /** Ends the child; nothing is pending. */
  async stop(): Promise<void> {
    await this.#child?.stop();
    await this.#keeping;
    await this.#guard.close();
    this.#speech.tellLeftOut();
  }

  /** An async operation makes room for others meanwhile; a caller waits for a sync one, so it waits here. */
  async #waitForChild(context: Context<unknown>): Promise<Child> {
    const message = `there is no child process at the moment: ${this.#absence}`;
    if (!context.sync) {
      throw context.later(Math.max(this.#nextStart - performance.now(), FIRST_PAUSE_MS), message);
    }
    const aborted = Promise.withResolvers<never>();
    const abort = () => aborted.reject(context.fail(ERROR, message));
    context.signal.addEventListener("abort", abort);
    try {
      while (this.#child === null) {
        context.signal.throwIfAborted();
        await Promise.race([this.#up.promise, aborted.promise]);
      }
      return this.#child;
    } finally {
      context.signal.removeEventListener("abort", abort);
    }
  }

  /** An operation whose time is over, or that is cancelled, is to end within the grace; else the child is killed. */
  #cancelOnAbort(child: Child, id: number, { signal, command }: Context<unknown>): { end(): void } {
    const grace = this.settings.cancelGrace;
    let timer: number | undefined;
    const cancel = () => {
      child.send({ cancel: id });
      const why =
        `it did not answer an operation of command ${command} within ${grace} ms after its cancelling`;
      timer = setTimeout(() => child.kill(why), grace);
    };
    signal.addEventListener("abort", cancel, { once: true });
    if (signal.aborted) cancel();
    return {
      end: () => {
        signal.removeEventListener("abort", cancel);
        clearTimeout(timer);
      },
    };
  }

  /** Replaces the child whenever it ends, until the worker stops. */
  async #keep(first: Child): Promise<void> {
    const { signal, stats } = this.context;
    let child: Child | null = first;
    while (child !== null) {
      const startedAt = performance.now();
      const reason = await child.ended;
      this.#child = null;
      this.#absence = reason;
      const lost = [...this.#pending.values()];
      this.#pending.clear();
      const sentence = `the child process has ended: ${reason}`;
      for (const { reject, context } of lost) reject(context.fail(ERROR, sentence));
      if (signal.aborted) return;
      stats.count("child restarts");
      this.#speech.say("warn", "the child process has ended and is replaced", {
        reason,
        operations: lost.length,
      });
      const wasUseful = this.#answered > 0;
      if (wasUseful || performance.now() - startedAt >= LONG_LIFE_MS) this.#failures = 0;
      // As it is the habit of PHP's workers, after so many operations.
      child = await this.#replace(wasUseful && child.hasEndedWell);
    }
  }

  /** A new child, at once or after a pause, or null where the worker stops. */
  async #replace(atOnce: boolean): Promise<Child | null> {
    const { signal } = this.context;
    for (let isFirst = true;; isFirst = false) {
      const pause = atOnce && isFirst ? 0 : Math.min(FIRST_PAUSE_MS * 2 ** this.#failures, LONGEST_PAUSE_MS);
      if (pause > 0) this.#failures++;
      this.#nextStart = performance.now() + pause;
      // Cut short, it rejects: what the signal says is looked at next.
      await sleep(pause, undefined, { signal }).catch(() => {});
      if (signal.aborted) return null;
      try {
        return await this.#startChild();
      } catch (error) {
        this.#absence = error instanceof Error ? error.message : String(error);
        if (signal.aborted) return null;
        this.#speech.say("error", "the child process cannot be replaced", { reason: this.#absence });
      }
    }
  }

  async #startChild(): Promise<Child> {
    const events = {
      message: (message: Exclude<ChildMessage, { kind: "ready" }>) => this.#take(message),
      spoiled: (id: number, why: string) => this.#spoil(id, why),
      isOpen: (id: number) => this.#pending.has(id),
    };
    this.#answered = 0;
    const child = await Child.start(this.settings, this.#speech, events, this.#guard, this.context.signal);
    this.#child = child;
    this.#up.resolve();
    this.#up = Promise.withResolvers();
    this.#speech.say("debug", "the child process is ready", { pid: child.pid });
    return child;
  }

  #take(message: Exclude<ChildMessage, { kind: "ready" }>): void {
    if (message.kind === "answer") return this.#settle(message.id, message.answer);
    if (message.kind === "log") return this.#speech.say(message.level, message.message, message.fields);
    try {
      for (const [name, by] of message.count) this.context.stats.count(name, by);
      for (const [name, value] of message.gauge) this.context.stats.gauge(name, value);
    } catch (error) {
      this.#speech.say("warn", "the child reported a figure that is left out", { reason: String(error) });
    }
  }

  #settle(id: number, answer: Answer): void {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if (pending !== undefined) {
      this.#answered++;
      return pending.resolve(answer);
    }
    this.#speech.say("warn", "the child answered an operation that it does not have, or answered twice", {
      id,
    });
  }

  /** Its answer is lost, and would be again. */
  #spoil(id: number, why: string): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    this.#pending.delete(id);
    this.#answered++;
    pending.reject(
      pending.context.fail(ERROR, `the child's answer cannot be used: ${why}`, { retry: false }),
    );
  }
}

function resultOf(answer: Answer, context: Context<unknown>): Result {
  if ("error" in answer) {
    const { code, message, retry, retryAfter } = answer.error;
    throw context.fail(code, message, retry ? { retryAfter } : { retry: false });
  }
  return answer.code === 1000 ? answer.result : context.reply(answer.code, answer.result);
}
