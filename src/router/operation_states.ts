import { formatAmount, TIME_UNITS_WITH_DAYS } from "../amount.ts";
import type { Identity } from "../auth/identity.ts";
import { ReplyCode } from "../protocol/codes.ts";
import { acceptedSecond, type OperationName, parseOperationId } from "../queue/operation_id.ts";
import { type KnownOperation, type Moment, OperationState } from "./operation_state.ts";
import type { RoutedPlugin } from "./routed_plugin.ts";

/** The longest that somebody waits for the end of an operation, in ms. */
export const MAX_WAIT_MS = 60_000;
/** The clock was set where it and the monotonic time differ by so much more, in ms. */
const CLOCK_CHANGE_MS = 100;
/** Of an id that is none, in UTF-16 units. */
const MAX_SHOWN_ID = 80;

/** Nothing can be told of an operation. */
export interface NoState {
  /** 23: that is no id. 24: nobody knows that operation, or not any more. */
  readonly code: typeof ReplyCode.BadParam | typeof ReplyCode.CacheMiss;
  /** Why, and what can be done. */
  readonly message: string;
}

export interface OperationStatesParts {
  /** All plugins that hold operations, those included that nobody reaches any more. */
  readonly plugins: () => readonly RoutedPlugin[];
  /** Monotonic, in ms. */
  readonly now: () => number;
  /** The time of day, in ms since 1970. */
  readonly clock: () => number;
}

/** Tells, by its id, where an operation is and what it came to; at once, or when it has ended. */
export class OperationStates {
  /** What monotonic times count from, in ms since 1970: the same for all who ask, until somebody sets the clock. */
  #zero = NaN;

  constructor(readonly parts: OperationStatesParts) {}

  /** As it is now. Where nobody knows the operation, `code` and `message` say so. */
  state(id: string): OperationState | NoState {
    const name = parseOperationId(id);
    if (name === null) return notAnId(id);
    const state = this.#look(id, name);
    if (state instanceof OperationState) state.plugin.lookups++;
    return state;
  }

  /** The same for somebody who may not know of all: what others have sent is unknown to it. */
  stateFor(identity: Identity | null, id: string): OperationState | NoState {
    if (identity === null) return this.state(id);
    return this.stateWhere((name) => identity.may("call", name) || identity.may("enqueue", name), id);
  }

  /** The same for somebody who may know of those plugins' operations alone. */
  stateWhere(mayKnow: (plugin: string) => boolean, id: string): OperationState | NoState {
    const state = this.state(id);
    // What is told of one that has gone names its plugin.
    if (!(state instanceof OperationState)) {
      return state.code === ReplyCode.CacheMiss ? unknown(id, null) : state;
    }
    return mayKnow(state.plugin.name) ? state : unknown(id, null);
  }

  /**
   * The state of an operation once it has ended, after so many ms at the latest, 60,000 at most, or when the signal
   * aborts; at once where it cannot be awaited.
   */
  wait(state: OperationState, ms: number, signal?: AbortSignal): Promise<OperationState | NoState> {
    if (!state.canBeAwaited || ms <= 0 || signal?.aborted === true) return Promise.resolve(state);
    return new Promise((resolve) => {
      const abort = () => {
        giveUp();
        resolve(state);
      };
      const giveUp = this.watch(state, ms, (told) => {
        signal?.removeEventListener("abort", abort);
        resolve(told);
      });
      signal?.addEventListener("abort", abort, { once: true });
    });
  }

  /** Tells the same once, later, of one that can be awaited. Returns how to give that up. */
  watch(
    { id, number, plugin }: OperationState,
    ms: number,
    told: (state: OperationState | NoState) => void,
  ): () => void {
    const end = () => {
      giveUp();
      told(this.#look(id, parseOperationId(id)!));
    };
    const timer = setTimeout(end, Math.min(ms, MAX_WAIT_MS));
    const forget = plugin.results!.wait(number, end);
    const giveUp = () => {
      clearTimeout(timer);
      forget();
    };
    return giveUp;
  }

  #look(id: string, name: OperationName): OperationState | NoState {
    let last: RoutedPlugin | null = null;
    // One that was removed and added again may be there twice.
    for (const plugin of this.parts.plugins()) {
      if (plugin.run !== name.run) continue;
      last = plugin;
      const { lastId } = plugin.queue;
      const number = lastId - ((lastId - name.idLow) >>> 0);
      const state = number > 0 ? this.#stateOf({ id, number, plugin }, name) : null;
      if (state !== null) return state;
    }
    return unknown(id, last);
  }

  #stateOf(operation: KnownOperation, { second }: OperationName): OperationState | null {
    const { plugin, number } = operation;
    const now = this.parts.now();
    const { durability } = plugin.queue;
    const isOwn = ({ acceptedAt }: { readonly acceptedAt: number }) =>
      Number.isNaN(acceptedAt) || acceptedSecond(acceptedAt, durability?.zero ?? 0) === second;
    const moment: Moment = { now, zero: this.zeroOf(plugin), second };
    const { dead } = plugin.pool;
    // An operation that has just ended may still be held by its worker.
    const kept = plugin.results?.store.find(number, moment.now) ?? null;
    if (kept !== null && isOwn(kept)) {
      const isBuried = kept.state === "failed" && dead.find(number) !== null;
      return OperationState.kept(operation, kept, isBuried, moment);
    }
    const live = plugin.pool.stateOf(number);
    if (live !== null && isOwn(live)) return OperationState.live(operation, live, moment);
    const letter = dead.find(number);
    return letter !== null && isOwn(letter) ? OperationState.dead(operation, letter, moment) : null;
  }

  /** What a plugin's monotonic times count from, in ms since 1970; the same each time, until the clock is set. */
  zeroOf({ queue }: RoutedPlugin): number {
    if (queue.durability !== null) return queue.durability.zero;
    const zero = this.parts.clock() - this.parts.now();
    if (!(Math.abs(zero - this.#zero) < CLOCK_CHANGE_MS)) this.#zero = zero;
    return this.#zero;
  }
}

function unknown(id: string, plugin: RoutedPlugin | null): NoState {
  return { code: ReplyCode.CacheMiss, message: whyUnknown(id, plugin) };
}

function notAnId(id: string): NoState {
  const shown = JSON.stringify(id.length > MAX_SHOWN_ID ? `${id.slice(0, MAX_SHOWN_ID)}…` : id);
  return {
    code: ReplyCode.BadParam,
    message:
      `${shown} is no operation's id: one is as an async request is answered that asks for it, or as context.id`,
  };
}

function whyUnknown(id: string, plugin: RoutedPlugin | null): string {
  if (plugin === null) {
    return `nothing is known of operation ${id}: it was another server's, or this one was restarted, or its plugin removed`;
  }
  const { name, results, queue: { durability } } = plugin;
  if (durability?.isClosed === true) {
    return `plugin ${name} has stopped: what its journal holds of operation ${id} can be asked for after the next start`;
  }
  const what = `operation ${id} of plugin ${name} has ended, or never was`;
  if (results === null) return `${what}; the plugin keeps no results: give it results = { keep = "1h" }`;
  const { keep, maxOps } = results.store.limits;
  return `${what}: what it came to is known for ${
    formatAmount(keep, TIME_UNITS_WITH_DAYS)
  }, of the last ${maxOps} operations, and not over a restart`;
}
