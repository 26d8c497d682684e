/** What comes of a plugin host's Web Worker beside what the host tells over its port. */
export interface HostWorkerEvents {
  /** The plugin has posted something by itself, whatever it was. */
  posted(): void;
  /** It is of no use any more. */
  failed(reason: string): void;
}

/** A plugin host's Web Worker that runs. */
export interface HostWorker {
  /** The threads that came with it, by their ids; empty where they are not known, or not yet. */
  readonly threads: readonly string[];
  terminate(): void;
}

/** Starts a plugin host in a Web Worker; the port is the host's from then on. */
export type StartHostWorker = (
  name: string,
  permissions: Deno.PermissionOptions,
  port: MessagePort,
  events: HostWorkerEvents,
) => HostWorker;

/**
 * Starts it from this very thread, which stands still for some 20 ms until the worker's engine is up: not for a thread that
 * serves anybody.
 */
export const startHostWorker: StartHostWorker = (name, permissions, port, events) => {
  const worker = new Worker(new URL("../host/host.ts", import.meta.url), {
    type: "module",
    name,
    deno: { permissions },
  });
  worker.onmessage = () => events.posted();
  worker.onerror = (event) => {
    // Not cancelled, the error would end the whole process.
    event.preventDefault();
    events.failed(failureOf(event));
  };
  worker.postMessage(port, [port]);
  return { threads: [], terminate: () => worker.terminate() };
};

/** The error's sentence and, where it is known, its place. */
function failureOf({ message, filename, lineno, colno }: ErrorEvent): string {
  const sentence = message || "the worker failed without a message";
  return filename === "" || sentence.includes(filename)
    ? sentence
    : `${sentence}\n    at ${filename}:${lineno}:${colno}`;
}
