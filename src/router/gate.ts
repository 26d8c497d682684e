import { AuthError } from "../auth/auth_error.ts";
import { type Action, type Identity, refusalOf } from "../auth/identity.ts";
import { tellOverRate } from "../auth/over_rate.ts";
import { keyText } from "../exact_number.ts";
import type { LimitLog } from "../observe/limit_log.ts";
import { type BodyView, decodeContent, encodeBody, encodingAt } from "../protocol/body.ts";
import { readU16 } from "../protocol/bytes.ts";
import { ReplyCode } from "../protocol/codes.ts";
import type { ContentLimits } from "../protocol/content_limits.ts";
import { errorBody } from "../protocol/error_content.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { requiredParamsOf } from "../protocol/params_of.ts";
import { REQUEST_HEADER_BYTES } from "../protocol/request.ts";
import type { Caller } from "./caller.ts";
import type { Registry } from "./registry.ts";
import { isLogin, isResult, tellsFigures } from "./reserved_plugins.ts";
import { LAST_SYSTEM_COMMAND } from "./routed_plugin.ts";
import { refuse } from "./server_answers.ts";

/** The longest name of a plugin that may be had, in bytes. */
const MAX_NAME_BYTES = 64;

export interface GateOptions {
  readonly registry: Registry;
  readonly contentLimits: ContentLimits;
  readonly limitLog: LimitLog;
}

/** Looks at the messages of callers that may not do everything, before anything in them is decoded. */
export class Gate {
  readonly #view: BodyView;

  /** @param view where the content of the message lies that is being handled */
  constructor(readonly options: GateOptions, view: BodyView) {
    this.#view = view;
  }

  /**
   * Answers a login, and what is refused; "pass" where the message may go on.
   *
   * @param nameLength that of the plugin's name; it lies within the message
   * @param now monotonic, in ms
   */
  look(
    caller: Caller,
    identity: Identity,
    sync: boolean,
    id: number,
    bytes: Uint8Array,
    at: number,
    nameLength: number,
    end: number,
    now: number,
  ): "pass" | "keep" | "close" {
    const nameAt = at + REQUEST_HEADER_BYTES;
    const { limitLog } = this.options;
    const isLoggingIn = isLogin(bytes, nameAt, nameLength);
    const say = (code: number, message: string) => {
      const encoding = encodingAt(bytes, nameAt + nameLength, end);
      // A login is answered whatever the listener's callers are told.
      refuse(caller, sync || isLoggingIn, id, code, errorBody(encoding, code, message));
    };
    if (!identity.take(now)) {
      tellOverRate(limitLog, identity);
      say(ReplyCode.Busy, "too many requests: they come faster than the rate that is allowed; slow down");
      return "keep";
    }
    if (isLoggingIn) return this.#login(caller, id, bytes, nameAt + nameLength, end, say);
    if (identity.problem !== null) {
      say(ReplyCode.Auth, identity.problem);
      return identity.isOver ? "close" : "keep";
    }
    const refusal = this.#refusal(identity, sync, bytes, at, nameAt, nameLength);
    if (refusal === null) return "pass";
    limitLog.reached("rights", { token: identity.name });
    say(ReplyCode.Auth, refusal);
    return "keep";
  }

  /** Why a request is not done for an identity; null where it may be. What is asked for by results' ids is looked at there. */
  #refusal(
    identity: Identity,
    sync: boolean,
    bytes: Uint8Array,
    at: number,
    nameAt: number,
    nameLength: number,
  ): string | null {
    const plugin = this.options.registry.find(bytes, nameAt, nameLength);
    let action: Action = sync ? "call" : "enqueue";
    let name: string | null;
    if (plugin !== null) {
      name = plugin.name;
      if (readU16(bytes, at + 4) === LAST_SYSTEM_COMMAND) action = "stats";
    } else if (isResult(bytes, nameAt, nameLength)) return null;
    else if (tellsFigures(bytes, nameAt, nameLength)) {
      action = "stats";
      name = null;
    } else name = nameOf(bytes, nameAt, nameLength);
    return identity.may(action, name) ? null : refusalOf(identity, action, name);
  }

  #login(
    caller: Caller,
    id: number,
    bytes: Uint8Array,
    bodyAt: number,
    end: number,
    say: (code: number, message: string) => void,
  ): "keep" | "close" {
    const view = this.#view;
    try {
      view.locate(bytes, bodyAt, end);
      const { encoding, at, length } = view;
      const params = requiredParamsOf(
        decodeContent(encoding, bytes.subarray(at, at + length), this.options.contentLimits),
      );
      const token = params["token"];
      const name = caller.login(token === undefined ? "" : keyText(token) ?? "");
      caller.answer(id, ReplyCode.Ok, encodeBody(encoding, { name }));
      return "keep";
    } catch (error) {
      if (error instanceof ProtocolError) say(error.code, error.message);
      else if (error instanceof AuthError) say(ReplyCode.Auth, error.message);
      else throw error;
      return "close";
    }
  }
}

/** A name that is no plugin's here; one that is longer than names are is that of no right either. */
function nameOf(bytes: Uint8Array, at: number, length: number): string {
  const shown = Math.min(length, MAX_NAME_BYTES);
  return new TextDecoder().decode(bytes.subarray(at, at + shown)) + (length > shown ? "…" : "");
}
