import { stringifyJson } from "../exact_json.ts";
import type { JsonObject } from "../plugin.ts";
import type { LiveState } from "../pool/live_state.ts";
import { errorText } from "../pool/summaries.ts";
import { decodeContent, Encoding } from "../protocol/body.ts";
import { HIGHEST_CONTENT_LIMITS } from "../protocol/content_limits.ts";
import type { DeadLetter } from "../queue/dead_letters.ts";
import { type KeptResult, SENTENCE, TOO_LARGE } from "../results/result_record.ts";
import type { Progress } from "../ring/messages.ts";
import type { RoutedPlugin } from "./routed_plugin.ts";

const decoder = new TextDecoder();

/** When somebody looks, and when the operation was accepted as its id says. */
export interface Moment {
  /** Monotonic, in ms. */
  readonly now: number;
  /** What monotonic times count from, in ms since 1970. */
  readonly zero: number;
  /** In s; since 1970 where the plugin has a journal. */
  readonly second: number;
}

/** An operation that a plugin knows, or has known. */
export interface KnownOperation {
  /** As everybody knows it. */
  readonly id: string;
  /** As the plugin's queue counts it. */
  readonly number: number;
  readonly plugin: RoutedPlugin;
}

/** What a plugin has returned. */
interface Returned {
  readonly encoding: Encoding;
  readonly content: Uint8Array;
}

/** Where an operation is, or what it came to. */
export class OperationState {
  private constructor(
    readonly operation: KnownOperation,
    readonly hasEnded: boolean,
    /** All but the result; what is not known is left out. */
    readonly facts: JsonObject,
    readonly returned: Returned | null,
  ) {}

  get id(): string {
    return this.operation.id;
  }

  get number(): number {
    return this.operation.number;
  }

  get plugin(): RoutedPlugin {
    return this.operation.plugin;
  }

  /** Its end is still to come, and will be told. */
  get canBeAwaited(): boolean {
    return !this.hasEnded && this.plugin.results !== null;
  }

  /** Of one that has not ended. */
  static live(operation: KnownOperation, live: LiveState, moment: Moment): OperationState {
    const { state, command, attempts, acceptedAt, due, progress } = live;
    return new OperationState(operation, false, {
      ...begun(operation, command, state, attempts, timeText(acceptedAt, moment)),
      ...due === null ? {} : { due_in_ms: Math.max(0, Math.round(due - moment.now)) },
      ...progress === null ? {} : { progress: progressOf(progress) },
    }, null);
  }

  /** Of one that has ended not long ago. */
  static kept(
    operation: KnownOperation,
    kept: KeptResult,
    isBuried: boolean,
    moment: Moment,
  ): OperationState {
    const { state, command, attempts, acceptedAt, endedAt, code, encoding, content, retried } = kept;
    const isDone = state === "done";
    const error = encoding === SENTENCE ? decoder.decode(content) : { encoding, content };
    const isCut = encoding === TOO_LARGE;
    return new OperationState(
      operation,
      true,
      {
        ...begun(
          operation,
          command,
          state === "failed" && isBuried ? "dead" : state,
          attempts,
          timeText(acceptedAt, moment),
        ),
        ended_at: timeText(endedAt, moment),
        ...code === 0 ? {} : { code },
        ...isDone || isCut ? {} : { error: errorText({ error }) },
        ...isCut ? { lost: "what it came to was larger than results.max_bytes" } : {},
        ...retried === null
          ? {}
          : { retried_as: operation.plugin.operationId(retried.id, retried.acceptedAt) },
      },
      isDone && !isCut && encoding !== 0 ? { encoding: encoding as Encoding, content } : null,
    );
  }

  /** Of one of which there is a dead letter alone. */
  static dead(operation: KnownOperation, letter: DeadLetter, moment: Moment): OperationState {
    const { command, attempts, acceptedAt, failedAt, code } = letter;
    return new OperationState(operation, true, {
      ...begun(operation, command, "dead", attempts, timeText(acceptedAt, moment)),
      ended_at: timeText(failedAt, moment),
      ...code === null ? {} : { code },
      error: errorText(letter),
    }, null);
  }

  /** All of it; numbers of the result exact. Throws ProtocolError where a plugin has returned what is none of its encoding. */
  toObject(): JsonObject {
    const { facts, returned } = this;
    if (returned === null) return facts;
    const { encoding, content } = returned;
    return { ...facts, result: decodeContent(encoding, content, HIGHEST_CONTENT_LIMITS) };
  }

  /** The same as JSON text; a result that the plugin has returned as JSON stands there as it came. */
  toJson(): string {
    const { facts, returned } = this;
    if (returned?.encoding !== Encoding.Json || returned.content.length === 0) {
      return stringifyJson(this.toObject())!;
    }
    return `${stringifyJson(facts)!.slice(0, -1)},"result":${decoder.decode(returned.content)}}`;
  }
}

function begun(
  { id, plugin: { name } }: KnownOperation,
  command: number,
  state: string,
  attempts: number,
  accepted_at: string,
): JsonObject {
  return { id, plugin: name, ...command === 0 ? {} : { command }, state, attempts, accepted_at };
}

function progressOf({ done, total, note }: Progress): JsonObject {
  return { done, ...total === null ? {} : { total }, ...note === "" ? {} : { note } };
}

/** ISO 8601, of a monotonic time in ms; where that is not known, that of the id. */
function timeText(time: number, { zero, second }: Moment): string {
  return new Date(Number.isNaN(time) ? second * 1000 : zero + time).toISOString();
}
