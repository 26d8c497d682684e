import type { Handler } from "./route.ts";
import type { RouteTable } from "./route_table.ts";

/** Remembers what answers the last request of a connection: the next one is mostly for the same target. */
export class LastHandler {
  #method = "";
  #target = "";
  #handler: Handler | null = null;

  constructor(readonly table: RouteTable) {}

  /** What answers a request. Throws HttpError where nothing does. */
  find(method: string, target: string): Handler {
    if (this.#handler !== null && target === this.#target && method === this.#method) return this.#handler;
    this.#handler = this.table.find(method, target);
    this.#target = target;
    this.#method = method;
    return this.#handler;
  }
}
