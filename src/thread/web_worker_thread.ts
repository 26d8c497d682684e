import type { HostWorker, StartHostWorker } from "./host_worker.ts";
import type { ToHost } from "../ring/messages.ts";
import type { Thread, ThreadEvents } from "./thread.ts";

/** A plugin host in a Web Worker of this process. An endless loop in it cannot be ended. */
export class WebWorkerThread implements Thread {
  readonly ended = Promise.resolve();
  readonly pid = null;
  readonly #worker: HostWorker;
  /** The host's other end is its own: what the plugin posts by itself does not come this way. */
  readonly #port: MessagePort;

  constructor(
    start: StartHostWorker,
    name: string,
    permissions: Deno.PermissionOptions,
    events: ThreadEvents,
  ) {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    port1.onmessage = ({ data }: MessageEvent<unknown>) => events.message(data);
    try {
      this.#worker = start(name, permissions, port2, {
        posted: () => events.message(null),
        failed: (reason) => events.failed(reason),
      });
    } catch (error) {
      port1.close();
      throw error;
    }
  }

  get threads(): readonly string[] {
    return this.#worker.threads;
  }

  post(message: ToHost): void {
    this.#port.postMessage(message);
  }

  published(): void {}

  released(): void {}

  isAway(): boolean {
    return false;
  }

  askBack(): boolean {
    return false;
  }

  terminate(): void {
    this.#worker.terminate();
    this.#port.close();
  }
}
