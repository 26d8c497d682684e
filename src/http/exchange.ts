import { OPEN_ACCESS } from "../auth/access.ts";
import type { Identity } from "../auth/identity.ts";
import type { Encoding } from "../protocol/body.ts";
import { BodyView } from "../protocol/body.ts";
import { HIGHEST_CONTENT_LIMITS } from "../protocol/content_limits.ts";
import type { ListenerOptions } from "../net/listener_options.ts";
import type { Caller } from "../router/caller.ts";
import { identityOf, isOpen, type Origin } from "./authorize.ts";
import { HttpError } from "./http_error.ts";
import { isOwnHost, isOwnPage } from "./own_page.ts";
import { PROBLEM_TYPE, requestProblem } from "./problem.ts";
import { RequestHead } from "./request_head.ts";
import type { ExchangeServices } from "./exchange_services.ts";
import type { Output } from "./output.ts";

/** Who is told what becomes of the operations of a request. */
export interface Responder {
  /** An operation was answered; encoding 0 is a bare code. The content lies in `bytes` only until this returns. */
  replied(
    id: number,
    code: number,
    encoding: Encoding | 0,
    bytes: Uint8Array,
    at: number,
    length: number,
  ): void;
}

/** What a request's route may know and do of the connection that it came by. */
export interface ExchangePlace extends Origin {
  readonly output: Output;
  readonly maxBodyBytes: number;
  readonly routeGeneration: number;
  openRoute(): number;
  /** What counts for those who come by its listener. */
  readonly options: Pick<ListenerOptions, "cors" | "httpHosts" | "admin">;
  /** No further request is taken from here. */
  readonly isLast: boolean;
  /** Sends what was written since it was last called; not to be called while the connection's input is worked on. */
  flush(): void;
}

const NOTHING = new Uint8Array(0);

/** One request and its response; one is reused for all of a connection. It calls plugins in the caller's name. */
export class Exchange implements Caller {
  readonly asyncReply = true;
  readonly hops = 0;
  identity: Identity | null = null;
  readonly head = new RequestHead();
  /** Where the body lies, when all of it has come; until the route returns. */
  body: Uint8Array = NOTHING;
  bodyAt = 0;
  bodyLength = 0;
  /** The response is written, or as much of it as there will be. */
  isDone = true;
  /** The connection ends with this response. */
  closes = false;
  responder: Responder | null = null;
  /** What CORS has every response say; null where the request has no Origin. */
  #corsHeaders: Readonly<Record<string, string>> | null = null;
  readonly #view = new BodyView(HIGHEST_CONTENT_LIMITS);

  constructor(readonly place: ExchangePlace, readonly services: ExchangeServices) {}

  get maxBodyBytes(): number {
    return this.place.maxBodyBytes;
  }

  get routeGeneration(): number {
    return this.place.routeGeneration;
  }

  get output(): Output {
    return this.place.output;
  }

  /** A request has begun, whose head is not read yet. */
  begin(): void {
    this.head.clear();
    this.hasBody(NOTHING, 0, 0);
    this.isDone = false;
    this.closes = false;
    this.responder = null;
    this.#corsHeaders = null;
  }

  /** All of its body has come. */
  hasBody(bytes: Uint8Array, at: number, length: number): void {
    this.body = bytes;
    this.bodyAt = at;
    this.bodyLength = length;
  }

  /** Its head is read. Throws HttpError where a page of that origin, or its sender, may not call. */
  admit(): void {
    const { head, place, services } = this;
    this.closes = !head.keepAlive || place.isLast;
    this.#admitOrigin();
    if (services.isStarting() && !isOpen(head.target)) {
      throw new HttpError(503, "the server is starting: its plugins are not there yet", {
        "Retry-After": "1",
      });
    }
    // A browser that asks what a page may do has no token.
    const { access } = place;
    this.identity = access === OPEN_ACCESS || head.method === "OPTIONS" || isOpen(head.target)
      ? null
      : identityOf(head, place, services.limitLog, services.now());
  }

  /** Whether nobody was asked who sends it, and somebody would be now. */
  get isOutdated(): boolean {
    const { access, address, subject } = this.place;
    const isUnknown = this.identity === null || this.identity.name === "";
    return isUnknown &&
      (access.guard !== null || (access.again(null, address, subject)?.problem ?? null) !== null);
  }

  /** Whether callers are to say who they are: a page that has led its name here cannot. */
  get asksWho(): boolean {
    const { access, subject } = this.place;
    return access.guard !== null || subject !== null;
  }

  #admitOrigin(): void {
    const origin = this.head.header("origin");
    if (origin === null) return;
    const { options } = this.place;
    const { cors } = options;
    if (isOwnPage(this.head, origin) && (this.asksWho || isOwnHost(this.head, options))) return;
    if (!cors.includes(origin) && !cors.includes("*")) {
      throw new HttpError(
        403,
        `pages of ${
          JSON.stringify(origin)
        } may not call this server: cors in its config names those that may`,
      );
    }
    const shown = cors.includes("*") ? "*" : origin;
    this.#corsHeaders = {
      "Access-Control-Allow-Origin": shown,
      "Access-Control-Expose-Headers": "Location, Retry-After, Mevent-Code",
      Vary: "Origin",
    };
  }

  get hasOrigin(): boolean {
    return this.#corsHeaders !== null;
  }

  openRoute(): number {
    return this.place.openRoute();
  }

  /** Each request brings its token along. */
  login(): string {
    return this.identity?.name ?? "";
  }

  answer(id: number, code: number, body: Uint8Array | null): void {
    if (body === null) return this.replied(id, code, 0, NOTHING, 0, 0);
    const view = this.#view;
    view.locate(body, 0, body.length);
    this.replied(id, code, view.encoding, body, view.at, view.length);
  }

  refuse(id: number, code: number, body: Uint8Array | null): void {
    this.answer(id, code, body);
  }

  replied(
    id: number,
    code: number,
    encoding: Encoding | 0,
    bytes: Uint8Array,
    at: number,
    length: number,
  ): void {
    try {
      this.responder?.replied(id, code, encoding, bytes, at, length);
    } catch (error) {
      this.services.log.error("a reply met an error of the server's own", {
        error: error instanceof Error ? error.stack ?? error.message : String(error),
      });
      if (!this.isDone) {
        this.refuseRequest(new HttpError(500, "the reply met an error of the server's own", {}, true));
      }
    }
  }

  /** Answers 200 with JSON as it lies at `at`. */
  respondJson(bytes: Uint8Array, at: number, length: number): void {
    const { output, services: { heads } } = this;
    if (this.closes || this.head.minor === 0 || this.#corsHeaders !== null) {
      return this.respond(200, { "Content-Type": "application/json" }, bytes.subarray(at, at + length));
    }
    output.add(heads.json);
    output.addAscii(`${length}\r\n\r\n`);
    output.addPart(bytes, at, length);
    this.isDone = true;
  }

  /** Answers 202: the operation of that id is queued; with JSON as it lies at `at`. */
  respondAccepted(id: string, bytes: Uint8Array, at: number, length: number): void {
    const { output, services: { heads } } = this;
    if (this.closes || this.head.minor === 0 || this.#corsHeaders !== null) {
      const headers = { "Content-Type": "application/json", Location: `/v1/operations/${id}` };
      return this.respond(202, headers, bytes.slice(at, at + length));
    }
    output.add(heads.accepted);
    output.addAscii(`${id}\r\nContent-Length: ${length}\r\n\r\n`);
    output.addPart(bytes, at, length);
    this.isDone = true;
  }

  /** Answers with that body; null where the status has none. To HEAD the body is not sent. */
  respond(status: number, headers: Readonly<Record<string, string>>, body: Uint8Array | string | null): void {
    const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
    this.#addHead(status, headers, bytes === null ? undefined : bytes.length);
    if (bytes !== null && this.head.method !== "HEAD") this.output.add(bytes);
    this.isDone = true;
  }

  /** Begins a response whose body comes in pieces; see {@link Exchange.end}. */
  beginStream(status: number, headers: Readonly<Record<string, string>>): void {
    if (this.head.minor === 0) this.closes = true;
    this.#addHead(status, headers, null);
  }

  /** Ends it. */
  endStream(): void {
    if (this.head.minor > 0) this.output.addAscii("0\r\n\r\n");
    this.isDone = true;
  }

  /** Answers with what was wrong; a head that could not be read counts as one of HTTP/1.1. */
  refuseRequest(error: HttpError): void {
    if (error.closes) this.closes = true;
    const headers = { "Content-Type": PROBLEM_TYPE, ...error.headers };
    this.respond(error.status, headers, requestProblem(error.status, error.message));
  }

  #addHead(
    status: number,
    headers: Readonly<Record<string, string>>,
    length: number | null | undefined,
  ): void {
    const all = this.#corsHeaders === null ? headers : { ...headers, ...this.#corsHeaders };
    this.output.add(this.services.heads.head(status, all, length, this.closes, this.head.minor));
  }
}
