import type { HostWorkerEvents, StartHostWorker } from "./host_worker.ts";
import { outOfRealtime } from "./scheduling.ts";

/** To the thread that starts plugin hosts. */
export type ToNursery =
  | {
    readonly kind: "start";
    readonly id: number;
    readonly name: string;
    readonly permissions: Deno.PermissionOptions;
    readonly port: MessagePort;
  }
  | { readonly kind: "end"; readonly id: number }
  /** They were ended and go on: they are to run only while nobody else wants their core. */
  | { readonly kind: "demote"; readonly threads: readonly string[] };

/** What it tells of one of them. */
export type FromNursery =
  | { readonly kind: "started"; readonly id: number; readonly threads: readonly string[] }
  | { readonly kind: "posted"; readonly id: number }
  | { readonly kind: "failed"; readonly id: number; readonly reason: string };

interface Ward {
  readonly events: HostWorkerEvents;
  isStarting: boolean;
  threads: readonly string[];
}

/**
 * Starts plugin hosts from a thread of its own, so that the main thread never stands still: `new Worker` holds up whoever
 * calls it for some 20 ms.
 */
export class Nursery implements Disposable {
  readonly #wards = new Map<number, Ward>();
  #thread: Worker | null = null;
  #lastId = 0;

  /** @param onStarting told while threads are about to open their descriptors, and when that is over */
  constructor(readonly onStarting: (isStarting: boolean) => void = () => {}) {}

  /** Threads that are still to open their descriptors: those that start, and its own where it does not run. */
  get starting(): number {
    const own = this.#thread === null ? 1 : 0;
    return own + [...this.#wards.values()].filter(({ isStarting }) => isStarting).length;
  }

  /** Starts one. */
  readonly start: StartHostWorker = (name, permissions, port, events) => {
    const id = ++this.#lastId;
    const ward: Ward = { events, isStarting: true, threads: [] };
    this.#wards.set(id, ward);
    this.onStarting(true);
    this.#post({ kind: "start", id, name, permissions, port }, [port]);
    return {
      get threads() {
        return ward.threads;
      },
      terminate: () => {
        if (this.#wards.delete(id)) this.#post({ kind: "end", id });
      },
    };
  };

  /** Lets threads that were ended and go on take nobody's core. */
  readonly demote = (threads: readonly string[]): void => this.#post({ kind: "demote", threads });

  /** Ends the thread, and all that it has started with it. */
  [Symbol.dispose](): void {
    this.#thread?.terminate();
    this.#thread = null;
    this.#wards.clear();
  }

  #post(message: ToNursery, transfer: Transferable[] = []): void {
    this.#thread ??= this.#open();
    this.#thread.postMessage(message, transfer);
  }

  #open(): Worker {
    const thread = outOfRealtime(() =>
      new Worker(new URL("./nursery_thread.ts", import.meta.url), { type: "module", name: "nursery" })
    );
    thread.onmessage = ({ data }: MessageEvent<FromNursery>) => this.#take(data);
    thread.onerror = (event) => {
      event.preventDefault();
      thread.terminate();
      this.#thread = null;
      const wards = [...this.#wards.values()];
      this.#wards.clear();
      this.onStarting(false);
      for (const { events } of wards) {
        events.failed(`the thread that starts the workers has failed: ${event.message}`);
      }
    };
    return thread;
  }

  #take(message: FromNursery): void {
    const ward = this.#wards.get(message.id);
    if (ward !== undefined && message.kind !== "posted") ward.isStarting = false;
    if (![...this.#wards.values()].some(({ isStarting }) => isStarting)) this.onStarting(false);
    if (ward === undefined) return;
    switch (message.kind) {
      case "started":
        ward.threads = message.threads;
        return;
      case "posted":
        return ward.events.posted();
      case "failed":
        return ward.events.failed(message.reason);
    }
  }
}
