import type { ToHost } from "./messages.ts";
import type { Thread, ThreadEvents } from "./thread.ts";

/** A plugin host in a Web Worker of this process. An endless loop in it cannot be ended. */
export class WebWorkerThread implements Thread {
  readonly ended = Promise.resolve();
  readonly #worker: Worker;

  constructor(name: string, permissions: Deno.PermissionOptions, events: ThreadEvents) {
    this.#worker = new Worker(new URL("./host.ts", import.meta.url), {
      type: "module",
      name,
      deno: { permissions },
    });
    this.#worker.onmessage = (event: MessageEvent<unknown>) => events.message(event.data);
    this.#worker.onerror = (event) => {
      // Not cancelled, the error would end the whole process.
      event.preventDefault();
      events.failed(failureOf(event));
    };
  }

  post(message: ToHost): void {
    this.#worker.postMessage(message);
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
  }
}

/** The error's sentence and, where it is known, its place. */
function failureOf({ message, filename, lineno, colno }: ErrorEvent): string {
  const sentence = message || "the worker failed without a message";
  return filename === "" || sentence.includes(filename)
    ? sentence
    : `${sentence}\n    at ${filename}:${lineno}:${colno}`;
}
