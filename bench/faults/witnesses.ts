import type { StreamAddress } from "../../src/client/mod.ts";
import type { Histogram } from "../../src/observe/histogram.ts";

export type ToWitness =
  | {
    readonly kind: "start";
    readonly address: StreamAddress;
    readonly seed: number;
    readonly count: number;
    /** By which they log in; undefined where they are not asked. */
    readonly token: string | undefined;
  }
  | { readonly kind: "take" }
  | { readonly kind: "stop" };

export type FromWitness =
  | { readonly kind: "priority"; readonly hasOwnCore: boolean }
  | { readonly kind: "started" }
  | { readonly kind: "times"; readonly times: readonly number[] }
  | { readonly kind: "ended"; readonly failure: string | undefined };

/** Good clients on a thread of their own, each with one request at a time under way. */
export class Witnesses implements AsyncDisposable {
  /** Why one of them was not served as it should; undefined while all are. */
  failure: string | undefined;
  static #saidLoad = false;
  readonly #worker = new Worker(new URL("./witness_thread.ts", import.meta.url), { type: "module" });
  readonly #started = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
  #taken = Promise.withResolvers<readonly number[]>();

  private constructor() {
    this.#worker.onmessage = ({ data }: MessageEvent<FromWitness>) => {
      if (data.kind === "priority") Witnesses.#sayLoad(data.hasOwnCore);
      else if (data.kind === "started") this.#started.resolve();
      else if (data.kind === "times") this.#taken.resolve(data.times);
      else {
        this.failure = data.failure;
        this.#started.resolve();
        this.#ended.resolve();
      }
    };
  }

  /** @param token by which they log in; undefined where they are not asked */
  static async start(
    address: StreamAddress,
    seed: number,
    count: number,
    token?: string,
  ): Promise<Witnesses> {
    const witnesses = new Witnesses();
    witnesses.#post({ kind: "start", address, seed, count, token });
    await witnesses.#started.promise;
    return witnesses;
  }

  /** Adds the round trips since the last call, in µs. */
  async take(into: Histogram): Promise<void> {
    this.#taken = Promise.withResolvers();
    this.#post({ kind: "take" });
    for (const time of await this.#taken.promise) into.record(time);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#post({ kind: "stop" });
    await this.#ended.promise;
    this.#worker.terminate();
  }

  /** Says once where they do not get a core whenever they want one. */
  static #sayLoad(hasOwnCore: boolean): void {
    if (hasOwnCore || Witnesses.#saidLoad) return;
    Witnesses.#saidLoad = true;
    console.error(
      "the good clients have no real-time priority here: their times tell of this machine's load, too",
    );
  }

  #post(message: ToWitness): void {
    this.#worker.postMessage(message);
  }
}
