import { Connection } from "../../src/client/mod.ts";
import type { Random } from "../fuzz/random.ts";
import type { WatchedServer } from "../support/watched_server.ts";
import type { PluginFault } from "./plugin_faults.ts";

/** Longer than the server is given to end all that it has accepted, in ms. */
const PATIENCE_MS = 360_000;
/** Operations of a burst; those that do wrong stand somewhere among them. */
const BURST = 24;
const WORK = 1001;

/** Callers of the plugins that fail: they stay, and are to be answered, whatever has become of their operations. */
export class Callers implements AsyncDisposable {
  /** Replies by code. */
  readonly codes = new Map<number, number>();
  /** Why the first request that was not answered was not. */
  failure: string | undefined;
  #waiting = 0;

  private constructor(readonly client: Connection, readonly random: Random) {}

  static async connect(server: WatchedServer, random: Random): Promise<Callers> {
    return new Callers(await Connection.connect(server.tcp, { timeoutMs: PATIENCE_MS }), random);
  }

  /** Requests that have no reply yet. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Sends a burst of work, sync and async, with the fault in it so many times. */
  burst(plugin: string, fault: PluginFault | undefined): void {
    const { random } = this;
    const places = new Set(
      fault === undefined ? [] : Array.from({ length: fault.times }, () => random.below(BURST)),
    );
    for (let place = 0; place < BURST; place++) {
      const isFault = fault !== undefined && places.has(place);
      this.#send(plugin, isFault ? fault.command : WORK, isFault ? fault.params : { place }, random.oneIn(2));
    }
  }

  #send(plugin: string, command: number, params: Record<string, number>, sync: boolean): void {
    this.#waiting++;
    this.client.request(plugin, command, params, { sync }).then(
      ({ code }) => void this.codes.set(code, (this.codes.get(code) ?? 0) + 1),
      (error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error);
        this.failure ??= `a caller of ${plugin}, command ${command}, was not answered: ${reason}`;
      },
    ).finally(() => this.#waiting--);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.close();
  }
}
