import type { CacheRequests } from "../router/cache_requests.ts";
import { PluginCaller, type PluginCallerParts } from "../router/plugin_caller.ts";
import type { RoutedPlugin } from "../router/routed_plugin.ts";
import type { ServiceRequest } from "../ring/messages.ts";
import type { PluginWorker } from "../pool/plugin_worker.ts";

/** Does what a plugin's workers ask of the server: their cache, and calls of other plugins. */
export class PluginServices {
  /** Workers that have called. */
  readonly #callers = new Map<PluginWorker, PluginCaller>();

  constructor(
    readonly plugin: () => RoutedPlugin,
    readonly cache: CacheRequests,
    readonly parts: PluginCallerParts,
  ) {}

  asked(worker: PluginWorker, request: ServiceRequest): void {
    switch (request.kind) {
      case "cache":
        return worker.post({
          kind: "cache",
          id: request.id,
          result: this.cache.answer(worker, request.request),
        });
      case "call":
        return this.#caller(worker).call(request);
      case "uncall":
        return this.#callers.get(worker)?.forget(request.id);
      case "taken":
        return this.#callers.get(worker)?.taken(request.chars);
    }
  }

  /** A worker has ended. */
  gone(worker: PluginWorker): void {
    this.#callers.get(worker)?.close();
    this.#callers.delete(worker);
  }

  #caller(worker: PluginWorker): PluginCaller {
    let caller = this.#callers.get(worker);
    if (caller === undefined) {
      this.#callers.set(worker, caller = new PluginCaller(this.plugin(), worker, this.parts));
    }
    return caller;
  }
}
