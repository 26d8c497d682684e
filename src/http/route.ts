import type { JsonObject } from "../plugin.ts";
import type { Exchange } from "./exchange.ts";
import type { RequestTarget } from "./request_target.ts";

/** Answers the requests to one target; a connection keeps it while its requests go there. */
export type Handler = WholeHandler | StreamHandler;

/** Answers when all of the body has come. */
export interface WholeHandler {
  readonly streams: false;
  /** Throws HttpError. What it does not answer at once it answers as the exchange's responder. */
  handle(exchange: Exchange): void;
}

/** Takes the body as it comes. */
export interface StreamHandler {
  readonly streams: true;
  /** Begins the response. Throws HttpError. */
  open(exchange: Exchange): BodySink;
}

/** Takes a body in pieces. */
export interface BodySink {
  /** Nothing is to be given now: too much is under way. */
  readonly isFull: boolean;
  /** Operations are under way. */
  readonly isAwaiting: boolean;
  /** A part of it has begun and not ended; parts that have ended. */
  readonly isPartial: boolean;
  readonly taken: number;
  /** The bytes are the sink's until it returns. It may leave some, and returns how many it took. */
  take(bytes: Uint8Array, at: number, length: number): number;
  /** The body has ended. */
  end(): void;
  /** Finishes what was written since the last call, before it is sent. */
  seal(): void;
  /** Nothing more comes, for that reason: what was begun is told so. */
  fail(message: string): void;
}

/** An entry of the table of routes; what `openapi.json` says is made of it. */
export interface Route {
  readonly method: "GET" | "POST";
  /** `/v1/{plugin}/{command}`; a last `{path+}` takes one segment or more. */
  readonly path: string;
  /** Its Operation Object in OpenAPI. */
  readonly description: JsonObject;
  /** @param values of the path's parameters, in order. Throws HttpError. */
  handler(target: RequestTarget, values: readonly string[]): Handler;
}
