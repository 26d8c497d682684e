import type { LaneId } from "../queue/operation_queue.ts";
import type { BeatMemory } from "../ring/heartbeat.ts";
import { leaves, removed } from "../leftovers.ts";
import type { ToHost, WorkerRings } from "../ring/messages.ts";
import { processEnvironment } from "./process_environment.ts";
import { pluginProcess } from "./process_command.ts";
import { ProcessMemory } from "./process_memory.ts";
import { isFromProcess, type ToProcess } from "./process_messages.ts";
import { ProcessOutput } from "./process_output.ts";
import { RingReader } from "../ring/ring.ts";
import { RingLink } from "./ring_link.ts";
import { outOfRealtime } from "./scheduling.ts";
import type { Thread, ThreadEvents } from "./thread.ts";

/** What a process has written may still be read for so long after its end, in ms: its own children may go on writing. */
const OUTPUT_GRACE_MS = 200;

export interface ProcessOptions {
  readonly name: string;
  readonly permissions: Deno.PermissionOptionsObject;
  readonly rings: WorkerRings;
  readonly ringBytes: number;
  readonly beats: BeatMemory;
  /** In bytes; 0 is no bound. */
  readonly maxMemory: number;
  /** A line that the process wrote. */
  readonly line: (stream: "stdout" | "stderr", text: string) => void;
  /** Monotonic, in ms. */
  readonly now: () => number;
}

/**
 * A plugin host in a child process, behind a Unix socket. Ended by SIGKILL, whatever it does; with this process its
 * socket closes and it ends by itself. Not its stdin and stdout: those the plugin may read and write.
 */
export class ProcessThread implements Thread {
  readonly ended: Promise<void>;
  readonly threads = [];
  readonly #child: Deno.ChildProcess;
  readonly #folder = Deno.makeTempDirSync({ prefix: "mevent-" });
  readonly #listener: Deno.Listener;
  readonly #memory: ProcessMemory | null;
  readonly #outputs: readonly ProcessOutput[];
  readonly #beats: Int32Array;
  /** Until it has connected. */
  readonly #waiting: ToProcess[] = [];
  #link: RingLink | null = null;
  #terminated = false;
  #exited = false;

  /** Throws where no process can be started. */
  constructor(readonly options: ProcessOptions, readonly events: ThreadEvents) {
    const { maxMemory, line, now, ringBytes, permissions } = options;
    const env = processEnvironment(Deno.env.toObject(), permissions);
    this.#beats = new Int32Array(options.beats);
    leaves(this.#folder);
    const path = `${this.#folder}/plugin`;
    try {
      this.#listener = Deno.listen({ transport: "unix", path });
      try {
        this.#child = outOfRealtime(() => pluginProcess(path, ringBytes, env).spawn());
      } catch (error) {
        this.#listener.close();
        throw error;
      }
    } catch (error) {
      this.#removeFolder();
      throw error;
    }
    this.#outputs = (["stdout", "stderr"] as const).map((stream) =>
      new ProcessOutput(this.#child[stream], (text) => line(stream, text), now)
    );
    this.#memory = maxMemory === 0
      ? null
      : new ProcessMemory(this.#child.pid, maxMemory, (bytes) => this.#tooLarge(bytes));
    this.ended = Promise.all([this.#accept(), this.#exit()]).then(() => {});
  }

  get pid(): number | null {
    return this.#exited ? null : this.#child.pid;
  }

  post(message: ToHost): void {
    if (message.kind !== "start") return this.#send({ kind: "post", message });
    const { name, permissions, ringBytes } = this.options;
    const { rings: _rings, beats: _beats, ...setup } = message.setup;
    this.#send({ kind: "start", name, permissions, ringBytes, setup });
  }

  published(): void {
    this.#link?.flush();
  }

  released(): void {
    this.#link?.flush();
  }

  isAway(lane: LaneId, position: number): boolean {
    return this.#link !== null && this.#link.isSent(lane, position);
  }

  askBack(): boolean {
    if (this.#link === null || this.#exited) return false;
    this.#send({ kind: "ask back" });
    return true;
  }

  terminate(): void {
    if (this.#terminated) return;
    this.#terminated = true;
    this.#memory?.stop();
    this.#link?.close();
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
  }

  #send(message: ToProcess): void {
    if (this.#link === null) this.#waiting.push(message);
    else this.#link.send(JSON.stringify(message));
  }

  async #accept(): Promise<void> {
    let conn: Deno.Conn;
    try {
      conn = await this.#listener.accept();
    } catch {
      // Closed, for the process has ended before it connected.
      return;
    } finally {
      this.#closeListener();
    }
    if (this.#terminated) return conn.close();
    const { rings } = this.options;
    const outgoing = [new RingReader(rings.sync), new RingReader(rings.async, rings.sync)] as const;
    const link = this.#link = new RingLink(conn, false, outgoing, [rings.syncReplies, rings.asyncReplies], {
      arrived: () => this.events.replies(),
      text: (text) => this.#take(text),
      // Where it has ended, its exit says more.
      ended: (reason) => reason === null ? undefined : this.events.failed(reason),
    });
    link.start();
    for (const message of this.#waiting.splice(0)) this.#send(message);
  }

  #closeListener(): void {
    try {
      this.#listener.close();
    } catch {
      return;
    }
    this.#removeFolder();
  }

  #removeFolder(): void {
    try {
      Deno.removeSync(this.#folder, { recursive: true });
      removed(this.#folder);
    } catch {
      // It needs a descriptor, and there may be none: an empty folder of ours stays until the process ends.
    }
  }

  async #exit(): Promise<void> {
    const { code, signal } = await this.#child.status;
    this.#exited = true;
    this.#memory?.stop();
    this.#closeListener();
    const read = Promise.all(this.#outputs.map((output) => output.ended));
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, OUTPUT_GRACE_MS);
    await Promise.race([read, late.promise]);
    clearTimeout(timer);
    await Promise.all(this.#outputs.map((output) => output.cancel()));
    if (this.#terminated) return;
    const cause = this.#outputs.map((output) => output.cause).find((each) => each !== "");
    const how = signal === null ? `with exit code ${code}` : `by ${signal}`;
    this.events.failed(`its process ended ${how}${cause === undefined ? "" : `: ${cause}`}`);
  }

  #tooLarge(bytes: number): void {
    const mebibytes = (count: number) => `${Math.round(count / 1024 / 1024)} MiB`;
    this.events.failed(
      `its process uses ${mebibytes(bytes)} of memory, more than its max_memory of ${
        mebibytes(this.options.maxMemory)
      }`,
    );
  }

  #take(text: string): void {
    const message = parse(text);
    if (!isFromProcess(message)) return this.events.message(null);
    switch (message.kind) {
      case "posted":
        return this.events.message(message.data);
      case "beats":
        return void Atomics.store(this.#beats, 0, message.count);
      case "returned":
        return this.events.returned(message.pairs);
      case "failed":
        return this.events.failed(message.reason);
    }
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
