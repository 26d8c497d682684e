import type { JsonObject } from "../plugin.ts";
import { bodyBytes, encodeContent, encodeContentOf, Encoding } from "../protocol/body.ts";
import { ReplyCode } from "../protocol/codes.ts";
import { errorContent } from "../protocol/error_content.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { findParam } from "../protocol/find_param.ts";
import type { Caller } from "./caller.ts";
import { OperationState } from "./operation_state.ts";
import { MAX_WAIT_MS, type NoState, type OperationStates } from "./operation_states.ts";
import type { ReplyRoutes } from "./reply_routes.ts";
import { millisecondsOf } from "./request_options.ts";

/** Callers who wait at once. */
const MAX_WAITING = 10_000;
const encoder = new TextEncoder();
const NOTHING = new Uint8Array(0);

interface Waiting {
  readonly slot: number;
  readonly generation: number;
  giveUp(): void;
}

/** Answers who asks where an operation is, or what it came to: `Reserve.Result`, with the params `id` and `wait`. */
export class ResultRequests {
  readonly #waiting = new Set<Waiting>();

  constructor(readonly states: OperationStates, readonly routes: ReplyRoutes) {}

  /** Answers now, or once the operation has ended. Throws ProtocolError: 23 where the params are wrong, 21 where too many wait. */
  answer(caller: Caller, requestId: number, encoding: Encoding, params: JsonObject): void {
    const { id, wait } = wishOf(params);
    const state = this.states.stateFor(caller.identity, id);
    const { maxBodyBytes } = caller;
    if (state instanceof OperationState && state.canBeAwaited && wait > 0) {
      return this.#wait(caller, requestId, encoding, state, wait);
    }
    const { code, content } = answerOf(state, encoding, maxBodyBytes);
    const body = encodeContent(encoding, content ?? NOTHING);
    caller.answer(requestId, code, body, code === ReplyCode.Ok ? "result" : "told");
  }

  #wait(caller: Caller, requestId: number, encoding: Encoding, state: OperationState, ms: number): void {
    this.#makeRoom();
    const { maxBodyBytes } = caller;
    const slot = caller.openRoute();
    const { routeGeneration: generation } = caller;
    const waiting: Waiting = { slot, generation, giveUp: () => {} };
    this.#waiting.add(waiting);
    waiting.giveUp = this.states.watch(state, ms, (told) => {
      this.#waiting.delete(waiting);
      const { code, content } = answerOf(told, encoding, maxBodyBytes);
      const own = content === null ? 0 : encoding;
      const bytes = content ?? NOTHING;
      this.routes.deliver(slot, generation, requestId, code, own, bytes, 0, bytes.length);
      // Nobody else sends it where the time was over.
      queueMicrotask(() => this.routes.flush());
    });
  }

  /** Throws ProtocolError (21) where too many wait who are still there. */
  #makeRoom(): void {
    if (this.#waiting.size < MAX_WAITING) return;
    for (const waiting of this.#waiting) {
      if (this.routes.target(waiting.slot, waiting.generation) !== null) continue;
      waiting.giveUp();
      this.#waiting.delete(waiting);
    }
    if (this.#waiting.size < MAX_WAITING) return;
    throw new ProtocolError(
      `${MAX_WAITING} callers wait for operations; ask without wait, or later`,
      ReplyCode.Busy,
    );
  }
}

/** What a caller wants to know, and how long it waits for that, in ms. Throws ProtocolError (23). */
function wishOf(params: JsonObject): { readonly id: string; readonly wait: number } {
  const id = findParam(params, "id");
  if (typeof id !== "string") {
    throw new ProtocolError("the param id is to be the id of an operation, a text", ReplyCode.BadParam);
  }
  const wait = millisecondsOf("wait", findParam(params, "wait") ?? 0);
  if (wait > MAX_WAIT_MS) {
    throw new ProtocolError(
      `wait is ${wait / 1000} seconds; ${MAX_WAIT_MS / 1000} at most`,
      ReplyCode.BadParam,
    );
  }
  return { id, wait };
}

function answerOf(
  state: OperationState | NoState,
  encoding: Encoding,
  maxBodyBytes: number,
): { readonly code: number; readonly content: Uint8Array | null } {
  const failed = (code: number, message: string) => ({
    code,
    content: errorContent(encoding, code, message),
  });
  if (!(state instanceof OperationState)) return failed(state.code, state.message);
  try {
    const content = encoding === Encoding.Json
      ? encoder.encode(state.toJson())
      : encodeContentOf(encoding, state.toObject());
    const bytes = bodyBytes(encoding, content?.length ?? 0);
    if (bytes <= maxBodyBytes) return { code: ReplyCode.Ok, content };
    return failed(ReplyCode.Pack, `the answer has ${bytes} bytes, a reply here carries ${maxBodyBytes}`);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return failed(ReplyCode.Pack, error.message);
  }
}
