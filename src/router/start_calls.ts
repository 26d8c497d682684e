import type { PluginNames, Registry } from "./registry.ts";

/** A call of a plugin that has not started yet. */
export interface StartCall {
  /** The name of the plugin that calls. */
  readonly from: string;
  /** The name or the business number, in decimal, of the one that is called. */
  readonly to: string;
  /** How long its params are. */
  readonly chars: number;
  /** It is there now, or there will be none. */
  go(): void;
}

/**
 * While the server starts its plugins, at the same time, calls wait for the plugin that they are for. That ends: what a
 * plugin calls in its `start` keeps it from starting, so a call that closes a circle of those is not to wait.
 */
export class StartCalls {
  /** By name: the business number that the config gives; where it gives none, the module may. */
  readonly #starting = new Map<string, number | undefined>();
  readonly #waiting = new Set<StartCall>();

  constructor(readonly registry: Registry) {}

  /** These plugins are about to start. */
  begin(plugins: readonly PluginNames[]): void {
    for (const { name, biz } of plugins) this.#starting.set(name, biz);
  }

  /** A plugin has started and is in the registry, or has failed to. */
  ended(name: string): void {
    this.#starting.delete(name);
    for (const call of [...this.#waiting]) {
      // A number may have been that of the plugin that has ended; of those that are left, it may be that of nobody but the caller.
      if (this.isStarting(call.to) && !this.isCircle(call)) continue;
      this.#waiting.delete(call);
      call.go();
    }
  }

  /** Whether no plugin answers to this, and one may yet. */
  isStarting(to: string): boolean {
    return this.#starting.size > 0 && this.registry.named(to) === null && this.#candidates(to).length > 0;
  }

  /** Whether whoever answers to `to` can only start after `from`, which has not started itself. */
  isCircle({ from, to }: Pick<StartCall, "from" | "to">): boolean {
    return this.#starting.has(from) && this.#waitsFor(to, from, new Map());
  }

  /** Whether nobody but the caller could yet turn out to have that number, which its config does not give it. */
  isNobody({ from, to }: Pick<StartCall, "from" | "to">): boolean {
    return !this.#starting.has(to) && this.#starting.get(from) === undefined &&
      this.#candidates(to).every((name) => name === from);
  }

  hold(call: StartCall): void {
    this.#waiting.add(call);
  }

  drop(call: StartCall): void {
    this.#waiting.delete(call);
  }

  /** @param known what has been found, by name; what is being looked at does not wait */
  #waitsFor(to: string, target: string, known: Map<string, boolean>): boolean {
    const candidates = this.#candidates(to);
    // Whoever waits for one that has started waits no longer.
    return candidates.length > 0 && candidates.every((name) => {
      if (name === target) return true;
      const before = known.get(name);
      if (before !== undefined) return before;
      known.set(name, false);
      const waits = [...this.#waiting].some((call) =>
        call.from === name && this.#waitsFor(call.to, target, known)
      );
      known.set(name, waits);
      return waits;
    });
  }

  /** Those that start and may answer to it. */
  #candidates(to: string): string[] {
    if (this.#starting.has(to)) return [to];
    const mayBe = (biz: number | undefined) =>
      biz === undefined ? /^[1-9]\d{0,4}$/.test(to) : String(biz) === to;
    return [...this.#starting].filter(([, biz]) => mayBe(biz)).map(([name]) => name);
  }
}
