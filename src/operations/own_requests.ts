import { BodyView, encodeContent, Encoding } from "../protocol/body.ts";
import { HIGHEST_CONTENT_LIMITS } from "../protocol/content_limits.ts";
import { PREFIX_BYTES } from "../protocol/frame.ts";
import { REPLY_HEADER_BYTES } from "../protocol/reply.ts";
import { MAX_REQUEST_ID, writeRequest } from "../protocol/request.ts";
import type { Caller } from "../router/caller.ts";
import type { ReplyRoutes, ReplyTarget } from "../router/reply_routes.ts";
import type { Router } from "../router/router.ts";
import { ControlRefusal } from "./control_refusal.ts";

/** Requests that are not answered at once. */
const MAX_OPEN = 1000;
const decoder = new TextDecoder();

/** A reply: its content is JSON; null where it is a bare code. */
export interface OwnReply {
  readonly code: number;
  readonly content: string | null;
}

/** Requests that the server makes for somebody who runs it, by the way of every request. */
export class OwnRequests implements Caller, ReplyTarget {
  readonly asyncReply = true;
  readonly hops = 0;
  readonly identity = null;
  readonly routeGeneration: number;
  readonly #slot: number;
  readonly #open = new Map<number, (reply: OwnReply) => void>();
  readonly #body = new BodyView(HIGHEST_CONTENT_LIMITS);
  #lastId = 0;

  constructor(
    readonly router: Router,
    readonly routes: ReplyRoutes,
    readonly limits: { readonly maxFrame: number },
  ) {
    this.#slot = routes.open(this);
    this.routeGeneration = routes.generation(this.#slot);
  }

  get maxBodyBytes(): number {
    return this.limits.maxFrame - PREFIX_BYTES - REPLY_HEADER_BYTES;
  }

  /**
   * Resolves with the reply: of a sync request once it is done, of an async one once it is queued, with its id. Throws ControlRefusal.
   *
   * @param params JSON text
   */
  send(plugin: string, command: number, params: string, sync: boolean): Promise<OwnReply> {
    if (this.#open.size >= MAX_OPEN) {
      throw new ControlRefusal(`${MAX_OPEN} requests of this kind wait for their replies; try again later`);
    }
    const id = this.#lastId = (this.#lastId + 1) & MAX_REQUEST_ID;
    const body = encodeContent(Encoding.Json, new TextEncoder().encode(params));
    const message = writeRequest({ id, command, sync, plugin, body, wantsId: true }, false);
    if (message.length + PREFIX_BYTES > this.limits.maxFrame) {
      throw new ControlRefusal(`the params are longer than a message may be (max_frame)`, "wrong");
    }
    const { promise, resolve, reject } = Promise.withResolvers<OwnReply>();
    this.#open.set(id, resolve);
    const { router } = this;
    if (router.handleContained(this, message, 0, message.length, router.options.now()) === "close") {
      this.#open.delete(id);
      reject(new Error("a request met an error of the server's own"));
    }
    router.dispatch();
    return promise;
  }

  login(): string {
    return "";
  }

  openRoute(): number {
    return this.#slot;
  }

  answer(id: number, code: number, body: Uint8Array | null): void {
    if (body === null) return this.#tell(id, { code, content: null });
    const view = this.#body;
    view.locate(body, 0, body.length);
    this.#tell(id, { code, content: decoder.decode(body.slice(view.at, view.at + view.length)) });
  }

  refuse(id: number, code: number, body: Uint8Array | null): void {
    this.answer(id, code, body);
  }

  deliver(
    id: number,
    code: number,
    encoding: Encoding | 0,
    bytes: Uint8Array,
    at: number,
    length: number,
  ): void {
    // A copy: no text is made of shared memory.
    const content = encoding === 0 ? null : decoder.decode(bytes.slice(at, at + length));
    this.#tell(id, { code, content });
  }

  flush(): void {}

  #tell(id: number, reply: OwnReply): void {
    this.#open.get(id)?.(reply);
    this.#open.delete(id);
  }
}
