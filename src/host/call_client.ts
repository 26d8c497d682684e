import { parseJson } from "../exact_json.ts";
import type { LostTime } from "../lost_time.ts";
import type { CallError, JsonObject, JsonValue } from "../plugin.ts";
import { jsonText } from "../protocol/body.ts";
import { ReplyCode, replyName } from "../protocol/codes.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { MAX_REQUEST_ID } from "../protocol/request.ts";
import { MAX_HOPS } from "../queue/record.ts";
import type { OperationPlace, ServiceRequest } from "../ring/messages.ts";
import { textOf } from "../text_of.ts";
import type { ProgressReporter } from "./progress_reporter.ts";

/** Calls of a worker that are not answered yet; further ones are refused. */
export const MAX_CALLS = 1000;
/** The same of their params together, in UTF-16 units; one may be longer. */
export const MAX_CALL_CHARS = 16 * 1024 * 1024;

/** The main thread is told of so many at once that were taken. */
const TELL_TAKEN_CHARS = 256 * 1024;

/** What `call` and `enqueue` reject with. */
export class CallFailure extends Error implements CallError {
  override readonly name = "CallError";

  constructor(readonly code: number, message: string, options?: ErrorOptions) {
    super(message, options);
  }
}

/** Who calls. */
export interface CallOrigin {
  /** Calls that have led to it. */
  readonly hops: number;
  /** Where it is an operation, or a batch: what keeps its place while it waits. */
  readonly operation: OperationPlace | null;
  /** Ends the waiting. */
  readonly signal: AbortSignal;
}

export interface CallLimits {
  /** The longest a call waits, in ms. */
  readonly timeout: number;
  /** The longest content of a message, in bytes. */
  readonly maxBytes: number;
}

interface Waiting {
  /** `orders 1001`, for sentences. */
  readonly what: string;
  readonly chars: number;
  settle(result: PromiseWithResolvers<JsonValue | undefined>): void;
}

/** What a plugin asks of other plugins: sent to the main thread, which queues it as it does what comes from callers. */
export class CallClient {
  readonly #waiting = new Map<number, Waiting>();
  #chars = 0;
  /** Taken, and not told yet. */
  #taken = 0;
  #lastId = 0;

  constructor(
    readonly limits: CallLimits,
    readonly send: (request: ServiceRequest) => void,
    readonly lost: Pick<LostTime, "after">,
    /** How far operations are. */
    readonly progress: ProgressReporter,
  ) {}

  /** Waits for the result. Rejects with {@link CallFailure}, or with a TypeError where it is no call at all. */
  async call(
    origin: CallOrigin,
    plugin: string | number,
    command: number,
    params?: JsonObject,
  ): Promise<JsonValue | undefined> {
    return await this.#ask(origin, plugin, command, params, true);
  }

  /** Waits until it is queued. */
  async enqueue(
    origin: CallOrigin,
    plugin: string | number,
    command: number,
    params?: JsonObject,
  ): Promise<void> {
    await this.#ask(origin, plugin, command, params, false);
  }

  /** Takes what has become of a call; its content is JSON. */
  answer(id: number, code: number, content: string | null): void {
    this.#taken += content?.length ?? 0;
    if (this.#taken >= TELL_TAKEN_CHARS) {
      this.send({ kind: "taken", chars: this.#taken });
      this.#taken = 0;
    }
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    const result = Promise.withResolvers<JsonValue | undefined>();
    try {
      if (code >= ReplyCode.Ok) result.resolve(content === null ? undefined : parseJson(content));
      else {result.reject(
          new CallFailure(code, `${waiting.what} answered ${code}: ${sentenceOf(code, content)}`),
        );}
    } catch (error) {
      result.reject(
        new CallFailure(ReplyCode.Pack, `${waiting.what} answered what is no JSON: ${textOf(error)}`),
      );
    }
    waiting.settle(result);
  }

  #ask(
    { hops, operation, signal }: CallOrigin,
    plugin: string | number,
    command: number,
    params: JsonObject | undefined,
    sync: boolean,
  ): Promise<JsonValue | undefined> {
    const method = sync ? "call" : "enqueue";
    const name = nameOf(method, plugin);
    if (!Number.isInteger(command) || command < 1 || command > 65535) {
      throw new TypeError(`context.${method}: the command is to be a number from 1 to 65535`);
    }
    const what = `${name} ${command}`;
    const text = paramsText(method, params);
    if (hops >= MAX_HOPS) {
      throw new CallFailure(
        ReplyCode.Broken,
        `${what} is not called: ${hops} calls have led here one after the other, which is the most; is it a loop?`,
      );
    }
    if (text.length > this.limits.maxBytes) {
      throw new CallFailure(
        ReplyCode.Broken,
        `${what} is not called: the params have ${text.length} characters, a message carries ${this.limits.maxBytes}`,
      );
    }
    if (this.#waiting.size >= MAX_CALLS || (this.#chars > 0 && this.#chars + text.length > MAX_CALL_CHARS)) {
      throw new CallFailure(
        ReplyCode.Busy,
        `${what} is not called: ${this.#waiting.size} calls of this worker are not answered yet`,
      );
    }
    if (signal.aborted) throw givenUp(what, signal.reason);
    const id = this.#lastId = this.#lastId % MAX_REQUEST_ID + 1;
    const answered = this.#wait(id, what, text.length, signal);
    this.send({ kind: "call", id, plugin: name, command, sync, params: text, hops: hops + 1, operation });
    return answered;
  }

  /** Ends with the answer, the signal, or the time. */
  #wait(id: number, what: string, chars: number, signal: AbortSignal): Promise<JsonValue | undefined> {
    const { promise, resolve, reject } = Promise.withResolvers<JsonValue | undefined>();
    const end = () => {
      cancel();
      signal.removeEventListener("abort", onAbort);
      this.#waiting.delete(id);
      this.#chars -= chars;
    };
    const giveUp = (reason: unknown) => {
      end();
      this.send({ kind: "uncall", id });
      reject(givenUp(what, reason));
    };
    const { timeout } = this.limits;
    const onAbort = () => giveUp(signal.reason);
    const cancel = this.lost.after(timeout, () => giveUp(`there was no answer within ${timeout} ms`));
    signal.addEventListener("abort", onAbort);
    this.#chars += chars;
    this.#waiting.set(id, {
      what,
      chars,
      settle: (result) => {
        end();
        result.promise.then(resolve, reject);
      },
    });
    return promise;
  }
}

function givenUp(what: string, reason: unknown): CallFailure {
  return new CallFailure(ReplyCode.Error, `${what} is not waited for any more: ${textOf(reason)}`, {
    cause: reason,
  });
}

function nameOf(method: string, plugin: unknown): string {
  if (typeof plugin === "string" && plugin !== "" && plugin.length <= 64) return plugin;
  if (typeof plugin === "number" && Number.isInteger(plugin) && plugin >= 1 && plugin <= 65535) {
    return String(plugin);
  }
  throw new TypeError(`context.${method}: the plugin is to be a name or a business number from 1 to 65535`);
}

function paramsText(method: string, params: unknown): string {
  if (params === undefined) return "{}";
  if (typeof params !== "object" || params === null || Array.isArray(params)) {
    throw new TypeError(`context.${method}: the params are to be an object`);
  }
  try {
    return jsonText(params as JsonObject);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw new TypeError(`context.${method}: the params cannot be sent: ${error.message}`, { cause: error });
  }
}

/** What an error reply says. */
function sentenceOf(code: number, content: string | null): string {
  if (content === null) return replyName(code);
  const error: { Output?: { errmsg?: unknown } } | null = JSON.parse(content);
  return String(error?.Output?.errmsg ?? replyName(code));
}
