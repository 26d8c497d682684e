import { keyText } from "../exact_number.ts";
import { decodeContent, type Encoding } from "../protocol/body.ts";
import { ReplyCode } from "../protocol/codes.ts";
import type { ContentLimits } from "../protocol/content_limits.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { findParam } from "../protocol/find_param.ts";
import { paramsOf } from "../protocol/params_of.ts";
import type { JsonObject, JsonValue } from "../plugin.ts";

/** Seconds that an async operation is to wait before it gets in line. */
const DELAY = "mevent.delay";
/** A text by which duplicates of an operation are known. */
const KEY = "mevent.key";
/** The longest key, in UTF-16 units. */
const MAX_KEY_CHARS = 256;
/** How a text spells seconds: decimal digits and no exponent. */
const SECONDS = /^(?:\d+\.?\d*|\.\d+)$/;
/** What a record can note, in ms: 49 days. */
const MAX_DELAY_MS = 0xffffffff;

export interface RequestOptionLimits {
  /** The longest delay, in ms; 0 where none may be asked for. */
  readonly maxDelay: number;
  /** Whether keys are looked at. */
  readonly keys: boolean;
  /** What the params may cost. */
  readonly content: ContentLimits;
}

/**
 * What a caller asks of mevent itself, by params of the request. It costs the main thread the decoding of the params, so
 * it is read only for plugins whose config allows one of them. One is reused for all operations of a plugin.
 */
export class RequestOptions {
  /** In ms. */
  delay = 0;
  key: string | null = null;

  constructor(readonly limits: RequestOptionLimits) {}

  /** Throws ProtocolError (23). Params that do not decode ask for nothing: the worker will say what is wrong. */
  read(encoding: Encoding, content: Uint8Array, sync: boolean): void {
    this.delay = 0;
    this.key = null;
    let params: JsonObject | undefined;
    try {
      params = paramsOf(decodeContent(encoding, content, this.limits.content));
    } catch (error) {
      if (error instanceof ProtocolError) return;
      throw error;
    }
    if (params === undefined) return;
    const { maxDelay, keys } = this.limits;
    const delay = maxDelay > 0 ? findParam(params, DELAY) : undefined;
    if (delay !== undefined) this.delay = delayOf(delay, Math.min(maxDelay, MAX_DELAY_MS), sync);
    const key = keys ? findParam(params, KEY) : undefined;
    if (key !== undefined) this.key = keyOf(key);
  }
}

function delayOf(value: JsonValue, maxDelay: number, sync: boolean): number {
  if (sync) throw wrong(`${DELAY} is for async requests; a sync caller waits for the result`);
  const ms = millisecondsOf(DELAY, value);
  if (ms > maxDelay) {
    throw wrong(`${DELAY} is ${keyText(value)} seconds; this plugin allows ${maxDelay / 1000}`);
  }
  return Math.round(ms);
}

/** What a param says in seconds, in ms; a number, or a text of decimal digits. Throws ProtocolError (23). */
export function millisecondsOf(param: string, value: JsonValue): number {
  const text = keyText(value);
  const isSpelled = typeof value !== "string" || SECONDS.test(value);
  const seconds = text !== undefined && isSpelled ? Number(text) : NaN;
  if (seconds >= 0) return seconds * 1000;
  throw wrong(`${param} is to be a number of seconds, 0 or more, in decimal digits: 90, 2.5`);
}

function keyOf(value: JsonValue): string {
  const key = keyText(value);
  if (key !== undefined && key !== "" && key.length <= MAX_KEY_CHARS) return key;
  throw wrong(`${KEY} is to be a text of 1 to ${MAX_KEY_CHARS} characters`);
}

function wrong(message: string): ProtocolError {
  return new ProtocolError(message, ReplyCode.BadParam);
}
