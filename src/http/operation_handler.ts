import { Encoding } from "../protocol/body.ts";
import { ReplyCode } from "../protocol/codes.ts";
import { convertContent } from "../protocol/convert.ts";
import { PREFIX_BYTES } from "../protocol/frame.ts";
import { MAX_REQUEST_ID } from "../protocol/request.ts";
import { isLogin, isReserved } from "../router/reserved_plugins.ts";
import { NO_LOGIN } from "./authorize.ts";
import type { Exchange, Responder } from "./exchange.ts";
import { membersOf } from "./header_params.ts";
import { HttpError } from "./http_error.ts";
import { checkAccept, checkContentType } from "./media.ts";
import { NO_OBJECT, paramsInJson } from "./params_in_json.ts";
import { type Failure, failureOf, operationProblem, PROBLEM_TYPE, retryAfter } from "./problem.ts";
import type { WholeHandler } from "./route.ts";
import { statusOf } from "./status.ts";

const JSON_TYPE = "application/json";
const HEADERS = { "Content-Type": JSON_TYPE };
const NULL = new TextEncoder().encode("null");
const NONE = new TextEncoder().encode("{}");

/** Where an operation's id begins in what the router tells of it. */
const ACCEPTED_ID_AT = '{"id":"'.length;
const QUOTE = 0x22;

/** Calls one command of a plugin, and answers with what becomes of it. */
export class OperationHandler implements WholeHandler, Responder {
  readonly streams = false;
  readonly #name: Uint8Array;
  #exchange: Exchange | null = null;
  #id = 0;
  #isSync = true;

  readonly #isLogin: boolean;
  readonly #isReserved: boolean;

  /** @param isAsync whether the target asks for that */
  constructor(readonly plugin: string, readonly command: number, readonly isAsync: boolean) {
    const name = this.#name = new TextEncoder().encode(plugin);
    this.#isLogin = isLogin(name, 0, name.length);
    this.#isReserved = isReserved(name, 0, name.length);
  }

  handle(exchange: Exchange): void {
    const { head, services: { router, message, limits } } = exchange;
    if (exchange.bodyLength > 0 || head.header("content-type") !== null) checkContentType(head, JSON_TYPE);
    checkAccept(head, JSON_TYPE);
    if (this.#isLogin) {
      return this.#refuse(exchange, ReplyCode.Unknown, {
        status: statusOf(ReplyCode.Unknown),
        message: NO_LOGIN,
      });
    }
    const params = paramsInJson(exchange.body, exchange.bodyAt, exchange.bodyAt + exchange.bodyLength);
    if (params === "wrong") {
      return this.#refuse(exchange, ReplyCode.BadParam, {
        status: statusOf(ReplyCode.BadParam),
        message: NO_OBJECT,
      });
    }
    this.#exchange = exchange;
    this.#id = (this.#id + 1) & MAX_REQUEST_ID;
    this.#isSync = this.#isReserved || (!this.isAsync && !prefersAsync(head.header("prefer")));
    const extra = membersOf(head, () => router.options.registry.named(this.plugin));
    message.write(
      this.#id,
      this.command,
      this.#isSync,
      this.#name,
      exchange.body,
      exchange.bodyAt,
      params === "none" ? 0 : exchange.bodyLength,
      extra,
    );
    if (message.length + PREFIX_BYTES > limits.maxFrame) {
      const most = exchange.bodyLength - (message.length + PREFIX_BYTES - limits.maxFrame);
      throw new HttpError(
        413,
        `the body has ${exchange.bodyLength} bytes; here it may have ${most} (max_frame)`,
      );
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
    if (code < ReplyCode.Ok) {
      return this.#refuse(exchange, code, failureOf(code, encoding, bytes, at, length));
    }
    if (encoding !== Encoding.Json && encoding !== 0) {
      bytes = convertContent(encoding, Encoding.Json, bytes.slice(at, at + length)) ?? NONE;
      at = 0;
      length = bytes.length;
    }
    if (!this.#isSync) {
      return encoding === 0
        ? exchange.respond(202, HEADERS, NONE)
        : this.#accepted(exchange, bytes, at, length);
    }
    if (encoding === 0) {
      bytes = NULL;
      at = 0;
      length = NULL.length;
    }
    if (code === ReplyCode.Ok) exchange.respondJson(bytes, at, length);
    else {
      exchange.respond(200, { ...HEADERS, "Mevent-Code": String(code) }, bytes.slice(at, at + length));
    }
  }

  /** With what the router tells of the operation: its id. */
  #accepted(exchange: Exchange, bytes: Uint8Array, at: number, length: number): void {
    const { registry } = exchange.services.router.options;
    // One that another server has queued is not known here.
    const isOurs = registry.find(this.#name, 0, this.#name.length) !== null;
    if (isOurs) exchange.respondAccepted(acceptedId(bytes, at, length), bytes, at, length);
    else exchange.respond(202, HEADERS, bytes.slice(at, at + length));
  }

  #refuse(exchange: Exchange, code: number, failure: Failure): void {
    const wait = retryAfter(code);
    const again = wait === null ? {} : { "Retry-After": String(wait) };
    const where = `${this.plugin}/${this.command}`;
    const headers = { "Content-Type": PROBLEM_TYPE, ...again };
    exchange.respond(failure.status, headers, operationProblem(code, failure, where));
  }
}

/** Whether the header Prefer names `respond-async`, RFC 7240. */
function prefersAsync(prefer: string | null): boolean {
  return prefer !== null && /(?:^|[,\s])respond-async(?:$|[,;\s])/i.test(prefer);
}

/** The operation's id in what the router tells of it: `{"id":"0123456789ab-3k-1","keep_ms":0}`. */
function acceptedId(bytes: Uint8Array, at: number, length: number): string {
  const end = at + length;
  let id = "";
  for (let i = at + ACCEPTED_ID_AT; i < end && bytes[i] !== QUOTE; i++) id += String.fromCharCode(bytes[i]!);
  return id;
}
