import { parseAmount, TIME_UNITS } from "../amount.ts";
import type { Encoding } from "../protocol/body.ts";
import { PREFIX_BYTES } from "../protocol/frame.ts";
import { ReplyCode } from "../protocol/codes.ts";
import { MAX_REQUEST_ID } from "../protocol/request.ts";
import type { Exchange, Responder } from "./exchange.ts";
import { HttpError } from "./http_error.ts";
import { checkAccept } from "./media.ts";
import { failureOf, operationProblem, PROBLEM_TYPE, retryAfter } from "./problem.ts";
import type { WholeHandler } from "./route.ts";

const JSON_TYPE = "application/json";
const HEADERS = { "Content-Type": JSON_TYPE, "Cache-Control": "no-store" };
const encoder = new TextEncoder();
const RESULT = encoder.encode("Reserve.Result");

/** Answers where an operation is, or what it came to; it is asked for as over the wire. */
export class StateHandler implements WholeHandler, Responder {
  readonly streams = false;
  readonly #params: Uint8Array;
  #exchange: Exchange | null = null;
  #id = 0;

  /** @param wait for so long at most: `10s`, or seconds; null for not at all. Throws HttpError where it is no time. */
  constructor(readonly operation: string, wait: string | null) {
    this.#params = encoder.encode(JSON.stringify({ id: operation, wait: secondsOf(wait) }));
  }

  handle(exchange: Exchange): void {
    const { head, services: { router, message, limits } } = exchange;
    checkAccept(head, JSON_TYPE);
    this.#exchange = exchange;
    this.#id = (this.#id + 1) & MAX_REQUEST_ID;
    message.write(this.#id, 1, true, RESULT, this.#params, 0, this.#params.length, null);
    if (message.length + PREFIX_BYTES > limits.maxFrame) {
      throw new HttpError(404, "there is no such operation");
    }
    exchange.responder = this;
    const { bytes, length } = message;
    if (
      router.handleContained(exchange, bytes, 0, length, router.options.now()) === "close" && !exchange.isDone
    ) {
      throw new HttpError(500, "the request met an error of the server's own; its log says which", {}, true);
    }
  }

  replied(
    id: number,
    code: number,
    encoding: Encoding | 0,
    bytes: Uint8Array,
    at: number,
    length: number,
  ): void {
    const exchange = this.#exchange;
    if (exchange === null || exchange.isDone || id !== this.#id) return;
    if (code === ReplyCode.Ok) return exchange.respond(200, HEADERS, bytes.slice(at, at + length));
    const failure = failureOf(code, encoding, bytes, at, length);
    const wait = retryAfter(code);
    const again = wait === null ? {} : { "Retry-After": String(wait) };
    const headers = { "Content-Type": PROBLEM_TYPE, ...again };
    exchange.respond(
      failure.status,
      headers,
      operationProblem(code, failure, `operations/${this.operation}`),
    );
  }
}

/** In s, as the wire has it. */
function secondsOf(wait: string | null): number {
  if (wait === null || wait === "") return 0;
  const ms = /^\d+(?:\.\d+)?$/.test(wait) ? Number(wait) * 1000 : parseAmount(wait, TIME_UNITS);
  if (ms !== undefined && Number.isFinite(ms)) return ms / 1000;
  throw new HttpError(
    400,
    `wait is ${JSON.stringify(wait.slice(0, 80))}: expected a time such as 10s, 500ms or 10`,
  );
}
