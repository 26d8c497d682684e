import { isFromHost } from "./from_host.ts";
import { takeBackAll } from "../ring/handoff.ts";
import { createBeats } from "../ring/heartbeat.ts";
import { startHostWorker } from "./host_worker.ts";
import type { ToHost, WorkerRings } from "../ring/messages.ts";
import type { FromProcess, ToProcess } from "./process_messages.ts";
import { RingReader } from "../ring/ring.ts";
import { RingLink } from "./ring_link.ts";
import { textOf } from "../text_of.ts";
import { WebWorkerThread } from "./web_worker_thread.ts";
import { createRings } from "./worker_rings.ts";

/** The worker's beats are passed on this often, in ms. */
const TELL_BEATS_MS = 500;

/**
 * A plugin's process: its main thread passes on what comes and goes between the server's socket and the rings of its one
 * Web Worker, which runs the plugin as it would in the server. It runs none of the plugin's code itself, and ends with
 * the connection.
 */
export async function runPluginProcess([path = "", ringBytes = ""]: readonly string[]): Promise<void> {
  // A terminal and a service manager signal the whole group: the server says when this process is to end.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) Deno.addSignalListener(signal, () => {});
  const bridge = new Bridge(await Deno.connect({ transport: "unix", path }), Number(ringBytes));
  await bridge.ended.promise;
}

class Bridge {
  readonly ended = Promise.withResolvers<void>();
  readonly #rings: WorkerRings;
  readonly #beats = createBeats();
  readonly #link: RingLink;
  #worker: WebWorkerThread | null = null;

  constructor(conn: Deno.Conn, readonly ringBytes: number) {
    const rings = this.#rings = createRings(ringBytes);
    const outgoing = [
      new RingReader(rings.syncReplies),
      new RingReader(rings.asyncReplies, rings.syncReplies),
    ] as const;
    this.#link = new RingLink(conn, true, outgoing, [rings.sync, rings.async], {
      arrived: () => {},
      text: (text) => this.#take(text),
      ended: () => this.ended.resolve(),
    });
    this.#link.start();
  }

  #take(text: string): void {
    const message: ToProcess = JSON.parse(text);
    switch (message.kind) {
      case "start":
        return this.#start(message);
      case "post":
        return this.#post(message.message);
      case "ask back":
        return this.#send({
          kind: "returned",
          pairs: [...takeBackAll(this.#rings.sync), ...takeBackAll(this.#rings.async)],
        });
    }
  }

  #start({ name, permissions, setup }: Extract<ToProcess, { kind: "start" }>): void {
    this.#worker = new WebWorkerThread(startHostWorker, name, permissions, {
      message: (data) => this.#posted(data),
      replies: () => {},
      returned: () => {},
      failed: (reason) => this.#send({ kind: "failed", reason }),
    });
    this.#worker.post({ kind: "start", setup: { ...setup, rings: this.#rings, beats: this.#beats } });
    const beats = new Int32Array(this.#beats);
    setInterval(() => this.#send({ kind: "beats", count: Atomics.load(beats, 0) }), TELL_BEATS_MS);
  }

  #post(message: ToHost): void {
    this.#worker?.post(message);
  }

  /** Whatever the plugin posts; what JSON cannot carry is no message of mevent's, and comes to the server as none. */
  #posted(data: unknown): void {
    try {
      this.#send({ kind: "posted", data: isFromHost(data) ? data : null });
    } catch (error) {
      this.#send({ kind: "posted", data: { kind: "unwritable", message: textOf(error) } });
    }
  }

  #send(message: FromProcess): void {
    this.#link.send(JSON.stringify(message));
  }
}
