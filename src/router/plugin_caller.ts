import { BodyView, encodeContent, Encoding } from "../protocol/body.ts";
import { ReplyCode } from "../protocol/codes.ts";
import { HIGHEST_CONTENT_LIMITS } from "../protocol/content_limits.ts";
import { PREFIX_BYTES } from "../protocol/frame.ts";
import { REPLY_HEADER_BYTES } from "../protocol/reply.ts";
import { writeRequest } from "../protocol/request.ts";
import { MAX_CALL_CHARS, MAX_CALLS } from "../host/call_client.ts";
import type { CallRequest, OperationPlace } from "../ring/messages.ts";
import type { PluginWorker } from "../pool/plugin_worker.ts";
import type { Isolation } from "../pool/supervisor_options.ts";
import { placesHeld, type WorkerCaller } from "./call_chain.ts";
import type { Caller } from "./caller.ts";
import type { ReplyRoutes, ReplyTarget } from "./reply_routes.ts";
import { LAST_SYSTEM_COMMAND, type RoutedPlugin } from "./routed_plugin.ts";
import type { Router } from "./router.ts";
import type { StartCall, StartCalls } from "./start_calls.ts";

/**
 * What has become of calls, and a worker has not taken yet: so many UTF-16 units together; one may be longer. Each is up to
 * three bytes on the way to a child process, whose link bears no more than 64 MiB of messages.
 */
const MAX_REPLY_CHARS: { readonly [where in Isolation]: number } = {
  worker: 64 * 1024 * 1024,
  process: 16 * 1024 * 1024,
};

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export interface PluginCallerParts {
  readonly router: Router;
  readonly routes: ReplyRoutes;
  readonly starts: StartCalls;
  /** What counts now. */
  readonly limits: { readonly maxFrame: number };
}

/**
 * A worker of a plugin that calls other plugins: its calls go the way of every request, and what becomes of them is posted
 * to the worker. They are JSON, both ways.
 */
export class PluginCaller implements Caller, ReplyTarget, WorkerCaller {
  readonly asyncReply = true;
  hops = 0;
  readonly identity = null;
  readonly routeGeneration: number;
  readonly #slot: number;
  /** Calls that are not answered, by their ids: the operations that wait for them, where there are some. */
  readonly #open = new Map<number, OperationPlace | null>();
  /** Those of them that wait for a plugin to start, and the length of their params together. */
  readonly #held = new Map<number, StartCall>();
  #heldChars = 0;
  /** Posted to the worker, and not taken yet, in UTF-16 units. */
  #toldChars = 0;
  readonly #body = new BodyView(HIGHEST_CONTENT_LIMITS);

  constructor(
    readonly plugin: RoutedPlugin,
    readonly worker: Pick<PluginWorker, "state" | "isolation" | "part" | "inFlight" | "post">,
    readonly parts: PluginCallerParts,
  ) {
    this.#slot = parts.routes.open(this);
    this.routeGeneration = parts.routes.generation(this.#slot);
  }

  get maxBodyBytes(): number {
    return this.parts.limits.maxFrame - PREFIX_BYTES - REPLY_HEADER_BYTES;
  }

  /** Makes a request of it, once the plugin that it is for has started. */
  call(request: CallRequest): void {
    const { id, plugin, params } = request;
    const { starts } = this.parts;
    // The worker keeps to this by itself, unless the plugin posts in its place.
    if (this.#open.size >= MAX_CALLS || this.#open.has(id)) return;
    if (this.#held.size > 0 && this.#heldChars + params.length > MAX_CALL_CHARS) return;
    this.#open.set(id, request.sync ? request.operation : null);
    if (starts.isStarting(plugin)) this.#hold(request);
    else this.#make(request);
  }

  #hold(request: CallRequest): void {
    const { id, plugin, params } = request;
    const { starts } = this.parts;
    const names = { from: this.plugin.name, to: plugin };
    if (starts.isNobody(names)) return this.#make(request);
    if (starts.isCircle(names)) {
      return this.#fail(
        id,
        ReplyCode.Broken,
        `plugin ${names.from} would wait for itself: ${plugin} cannot start before it has; call it in a timer or an operation`,
      );
    }
    const call = {
      ...names,
      go: () => {
        this.#letGo(id);
        this.#make(request);
      },
      chars: params.length,
    };
    this.#held.set(id, call);
    this.#heldChars += params.length;
    starts.hold(call);
  }

  #letGo(id: number): void {
    const call = this.#held.get(id);
    if (call === undefined) return;
    this.#held.delete(id);
    this.#heldChars -= call.chars;
    this.parts.starts.drop(call);
  }

  #make({ id, plugin, command, sync, params, hops, operation }: CallRequest): void {
    const { router, limits } = this.parts;
    const { worker } = this;
    const isWork = operation !== null &&
      worker.inFlight.segment(operation.slot, operation.sequence) !== null;
    // Else what calls by itself, again and again, would keep the server from ever having done all.
    if (
      router.intake === "plugins" && !isWork && worker.state !== "starting" && command > LAST_SYSTEM_COMMAND
    ) {
      return this.#fail(
        id,
        ReplyCode.Busy,
        "the server is stopping and takes new operations of those alone that run",
      );
    }
    // Each unit is a byte or more: what is far too long is not even made into bytes.
    const content = encoder.encode(params.slice(0, limits.maxFrame));
    const body = encodeContent(Encoding.Json, content);
    const message = writeRequest({ id, command, sync, plugin, body }, false);
    if (message.length + PREFIX_BYTES > limits.maxFrame) {
      const most = limits.maxFrame - (message.length + PREFIX_BYTES - content.length);
      return this.#fail(
        id,
        ReplyCode.Broken,
        `the params have ${content.length} bytes, a message carries ${most}`,
      );
    }
    if (sync && isWork && command > LAST_SYSTEM_COMMAND) {
      const full = this.#heldByItself(operation, plugin, content);
      if (full !== null) {
        return this.#fail(
          id,
          ReplyCode.Broken,
          `the call would wait for itself: whatever plugin ${full.name} runs at once waits for this call; ` +
            "enqueue it, or give that plugin concurrency or workers",
        );
      }
    }
    this.hops = hops;
    if (router.handleContained(this, message, 0, message.length, router.options.now()) === "close") {
      this.#fail(id, ReplyCode.Error, "the call met an error of the server's own; its log says which");
    }
    router.dispatch();
  }

  operationOf(id: number): OperationPlace | null {
    return this.#open.get(id) ?? null;
  }

  /** Nobody waits for that call any more. */
  forget(id: number): void {
    this.#letGo(id);
    this.#open.delete(id);
  }

  /** The worker has taken so much of what it was told. */
  taken(chars: number): void {
    this.#toldChars = Math.max(0, this.#toldChars - chars);
  }

  /** The worker has gone: replies that are still to come go nowhere. */
  close(): void {
    this.parts.routes.close(this.#slot);
    for (const id of [...this.#held.keys()]) this.#letGo(id);
    this.#open.clear();
  }

  /** Plugins are asked for none. */
  login(): string {
    return "";
  }

  openRoute(): number {
    return this.#slot;
  }

  answer(id: number, code: number, body: Uint8Array | null): void {
    if (body === null) return this.#tell(id, code, null);
    const view = this.#body;
    view.locate(body, 0, body.length);
    this.#tell(id, code, decoder.decode(body.subarray(view.at, view.at + view.length)));
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
    if (!this.#open.has(id)) {
      this.parts.routes.counters.repliesDropped++;
      return;
    }
    // A copy: no text is made of shared memory.
    this.#tell(id, code, encoding === 0 ? null : decoder.decode(bytes.slice(at, at + length)));
  }

  /** Each answer was posted as it came. */
  flush(): void {}

  /** The plugin that is called, where no worker could run it before the operation that calls has ended. */
  #heldByItself(operation: OperationPlace, name: string, content: Uint8Array): RoutedPlugin | null {
    const { router, routes } = this.parts;
    const called = router.options.registry.named(name);
    const concurrency = called?.pool.declaration?.concurrency;
    if (called === null || concurrency === undefined) return null;
    const { affinity, pool: { workers, mostWorkers } } = called;
    const part = affinity === null ? 0 : called.partOf(Encoding.Json, content, 0, content.length);
    const held = [...placesHeld(this, operation, routes, isCaller)];
    let able = workers;
    if (affinity !== null) {
      const own = workers.filter((worker) => worker.part === part && worker.state === "running");
      // Who stands in for a part keeps it until nothing of it runs there: what the chain itself does.
      const keepers = workers.filter((worker) =>
        !own.includes(worker) && held.some((each) => each.inFlight === worker.inFlight && each.part === part)
      );
      if (keepers.length > 0 && own.length > 0) return called;
      if (keepers.length > 0 || own.length > 0) able = keepers.length > 0 ? keepers : own;
    }
    // Another one is started for it.
    if (able === workers && workers.length < mostWorkers) return null;
    const free = new Map(able.map(({ inFlight }) => [inFlight, concurrency]));
    for (const { inFlight } of held) {
      const left = free.get(inFlight);
      if (left !== undefined) free.set(inFlight, left - 1);
    }
    return [...free.values()].every((left) => left <= 0) ? called : null;
  }

  #fail(id: number, code: number, message: string): void {
    if (this.#open.has(id)) {
      this.#post(id, code, JSON.stringify({ Output: { errcode: code, errmsg: message } }));
    }
  }

  /** What a worker does not take is not heaped up for it. */
  #tell(id: number, code: number, content: string | null): void {
    if (!this.#open.has(id)) return;
    const length = content?.length ?? 0;
    const most = MAX_REPLY_CHARS[this.worker.isolation];
    if (this.#toldChars === 0 || this.#toldChars + length <= most) {
      return this.#post(id, code, content);
    }
    this.#fail(
      id,
      ReplyCode.Pack,
      `its reply of ${length} characters finds no room: this worker has not taken ${this.#toldChars} of other ` +
        `replies yet, of ${most} at most; let it call less at once`,
    );
  }

  #post(id: number, code: number, content: string | null): void {
    this.#open.delete(id);
    this.#toldChars += content?.length ?? 0;
    this.worker.post({ kind: "called", id, code, content });
  }
}

function isCaller(target: ReplyTarget | null): target is PluginCaller {
  return target instanceof PluginCaller;
}
