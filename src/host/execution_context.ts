import type { Cache, JsonObject, Logger, PluginContext, Stats } from "../plugin.ts";
import type { CallClient, CallOrigin } from "./call_client.ts";
import type { OperationPlace } from "../ring/messages.ts";

/** The plugin's own context, and what a call of a command has beside it: a signal and a deadline. */
export class ExecutionContext implements PluginContext, CallOrigin {
  #abort: AbortController | null = null;
  #aborted: unknown = undefined;
  #deadline = 0;
  #slot = -1;
  #sequence = 0;

  constructor(
    readonly plugin: PluginContext,
    readonly calls: CallClient,
    /** Calls of plugins that have led here. */
    public hops: number,
    readonly command: number,
    /** When its time began; monotonic, in ms. */
    public startedAt: number,
    /** In ms. */
    readonly timeout: number,
  ) {}

  get name(): string {
    return this.plugin.name;
  }
  get biz(): number | undefined {
    return this.plugin.biz;
  }
  get worker(): number {
    return this.plugin.worker;
  }
  get config(): JsonObject {
    return this.plugin.config;
  }
  get log(): Logger {
    return this.plugin.log;
  }
  get cache(): Cache {
    return this.plugin.cache;
  }
  get stats(): Stats {
    return this.plugin.stats;
  }

  /** The operation, or of a batch the one that speaks for it. */
  get operation(): OperationPlace | null {
    return this.#slot < 0 ? null : { slot: this.#slot, sequence: this.#sequence };
  }

  /** It is that operation. */
  stands({ slot, sequence }: OperationPlace): void {
    this.#slot = slot;
    this.#sequence = sequence;
  }

  /** Bound, as `enqueue` is: commands take them out of the context like all that is in it. */
  get call(): PluginContext["call"] {
    return (...call) => this.calls.call(this, ...call);
  }
  get enqueue(): PluginContext["enqueue"] {
    return (...call) => this.calls.enqueue(this, ...call);
  }

  /** By the clock as it stands when first asked: most commands never ask. */
  get deadline(): number {
    if (this.#deadline === 0) {
      this.#deadline = Math.round(Date.now() + this.startedAt + this.timeout - performance.now());
    }
    return this.#deadline;
  }

  /** Made on first use: most commands never look at it. */
  get signal(): AbortSignal {
    if (this.#abort === null) {
      this.#abort = new AbortController();
      if (this.#aborted !== undefined) this.#abort.abort(this.#aborted);
    }
    return this.#abort.signal;
  }

  get isAborted(): boolean {
    return this.#aborted !== undefined;
  }

  /** Aborts `signal`, now or when the command first asks for it. */
  abort(reason: unknown): void {
    this.#aborted ??= reason;
    this.#abort?.abort(reason);
  }
}
