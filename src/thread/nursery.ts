import { ModuleError } from "../modules/module_error.ts";
import type { ModuleRequest, PreparedModule } from "../modules/prepare_module.ts";
import type { HostWorkerEvents, StartHostWorker } from "./host_worker.ts";
import { type FileReading, UnreadableFile } from "../modules/read_regular.ts";
import type { FromModuleThread, ModuleWork } from "./module_preparer.ts";
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
  /** Ends all that it has started: it is to serve another nursery. */
  | { readonly kind: "end all" }
  | { readonly kind: "prepare"; readonly id: number; readonly work: ModuleWork }
  /** They were ended and go on: they are to run only while nobody else wants their core. */
  | { readonly kind: "demote"; readonly threads: readonly string[] };

/** What it tells of one of them. */
export type FromNursery =
  | { readonly kind: "started"; readonly id: number; readonly threads: readonly string[] }
  | { readonly kind: "posted"; readonly id: number }
  | { readonly kind: "failed"; readonly id: number; readonly reason: string }
  | { readonly kind: "prepared" } & FromModuleThread;

export interface NurseryOptions {
  /** Told while threads are about to open their descriptors, and when that is over. */
  readonly onStarting: (isStarting: boolean) => void;
  /** Whether there are descriptors for so many threads: they are asked for before modules are prepared. */
  readonly mayStart: (threads: number) => boolean;
  /** After so long of nothing to do its thread ends; in ms. */
  readonly idleMs: number;
}

interface Ward {
  readonly events: HostWorkerEvents;
  isStarting: boolean;
  threads: readonly string[];
}

/** The thread, some 20 MB of it, ends after so long without a plugin host and of nothing to prepare; in ms. */
const IDLE_MS = 2_000;

/** What the thread that reads files answers, and how it fails. */
interface Preparing {
  readonly resolve: (answer: FromModuleThread) => void;
  readonly reject: (error: ModuleError) => void;
}

/**
 * Starts plugin hosts, and has their modules prepared, from a thread of its own, so that the main thread never stands still:
 * `new Worker` holds up whoever calls it for some 20 ms. That thread ends when no host is left, and starts anew, which does hold
 * up the main thread, when the next one is asked for: nobody waits for a plugin in a thread then but for that one.
 */
export class Nursery implements Disposable {
  /**
   * How many threads wait, when their nursery has ended, for the next one: for a process that starts one server after the
   * other, as tests do, for a thread takes a core for 50 ms to start. Such a process does not end by itself.
   */
  static kept = 0;
  static readonly #kept: Worker[] = [];
  /** One row for all, so that nothing late is taken for an answer to another. */
  static #lastId = 0;
  readonly #wards = new Map<number, Ward>();
  readonly #preparing = new Map<number, Preparing>();
  #thread: Worker | null = null;
  #idle: number | undefined;

  readonly #options: NurseryOptions;

  constructor(options: Partial<NurseryOptions> = {}) {
    this.#options = { onStarting: () => {}, mayStart: () => true, idleMs: IDLE_MS, ...options };
  }

  /** Whether its thread is there. */
  get isRunning(): boolean {
    return this.#thread !== null;
  }

  /** Threads that are still to open their descriptors: those that start, and its own where it does not run. */
  get starting(): number {
    const own = this.#thread === null ? 1 : 0;
    return own + [...this.#wards.values()].filter(({ isStarting }) => isStarting).length;
  }

  /** Starts one. */
  readonly start: StartHostWorker = (name, permissions, port, events) => {
    const id = ++Nursery.#lastId;
    const ward: Ward = { events, isStarting: true, threads: [] };
    this.#wards.set(id, ward);
    this.#options.onStarting(true);
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

  /** Prepares a plugin's module. Rejects with ModuleError where it cannot be loaded. */
  async prepare(request: ModuleRequest): Promise<PreparedModule> {
    const answer = await this.#prepare({ request });
    if ("prepared" in answer) return answer.prepared;
    throw new ModuleError("it was read and not prepared");
  }

  /** Reads a regular file of at most so many bytes. Rejects with UnreadableFile. */
  readonly read = async (path: string, maxBytes: number): Promise<FileReading> => {
    try {
      const answer = await this.#prepare({ read: { path, maxBytes } });
      if ("reading" in answer) return answer.reading;
    } catch (error) {
      if (error instanceof ModuleError) throw new UnreadableFile(error.message);
      throw error;
    }
    throw new UnreadableFile("was prepared and not read");
  };

  #prepare(work: ModuleWork): Promise<FromModuleThread> {
    const { promise, resolve, reject } = Promise.withResolvers<FromModuleThread>();
    // Where it finds too few, Deno ends the whole process.
    if (this.#preparing.size === 0 && !this.#options.mayStart(this.starting + 1)) {
      reject(
        new ModuleError(
          "the system has too few file descriptors for the thread that reads it: raise ulimit -n",
        ),
      );
      return promise;
    }
    const id = ++Nursery.#lastId;
    this.#preparing.set(id, { resolve, reject });
    this.#post({ kind: "prepare", id, work });
    return promise;
  }

  /** Lets threads that were ended and go on take nobody's core. */
  readonly demote = (threads: readonly string[]): void => this.#post({ kind: "demote", threads });

  /** Ends all that the thread has started, and the thread. */
  [Symbol.dispose](): void {
    this.#end();
    this.#wards.clear();
    this.#notPrepared("the server has stopped");
  }

  #end(): void {
    clearTimeout(this.#idle);
    if (this.#thread !== null) putAside(this.#thread, Nursery.#kept, Nursery.kept);
    this.#thread = null;
  }

  #post(message: ToNursery, transfer: Transferable[] = []): void {
    this.#thread ??= this.#open();
    this.#thread.postMessage(message, transfer);
    this.#endWhenIdle();
  }

  /** Begins to count anew; what ends with it has been told to end itself that long ago. */
  #endWhenIdle(): void {
    clearTimeout(this.#idle);
    if (this.#wards.size > 0 || this.#preparing.size > 0) return;
    this.#idle = setTimeout(() => this.#end(), this.#options.idleMs);
  }

  #open(): Worker {
    const thread = Nursery.#kept.pop() ??
      outOfRealtime(() =>
        new Worker(new URL("./nursery_thread.ts", import.meta.url), { type: "module", name: "nursery" })
      );
    thread.onmessage = ({ data }: MessageEvent<FromNursery>) => this.#take(data);
    thread.onerror = (event) => {
      event.preventDefault();
      thread.terminate();
      clearTimeout(this.#idle);
      this.#thread = null;
      const wards = [...this.#wards.values()];
      this.#wards.clear();
      this.#options.onStarting(false);
      const reason = `the thread that starts the workers has failed: ${event.message}`;
      for (const { events } of wards) events.failed(reason);
      this.#notPrepared(reason);
    };
    return thread;
  }

  #notPrepared(reason: string): void {
    for (const { reject } of this.#preparing.values()) reject(new ModuleError(reason));
    this.#preparing.clear();
  }

  #prepared(message: FromModuleThread): void {
    const preparing = this.#preparing.get(message.id);
    this.#preparing.delete(message.id);
    this.#endWhenIdle();
    if (!("problem" in message)) return preparing?.resolve(message);
    const error = new ModuleError(message.problem);
    error.files = message.files;
    preparing?.reject(error);
  }

  #take(message: FromNursery): void {
    if (message.kind === "prepared") return this.#prepared(message);
    const ward = this.#wards.get(message.id);
    if (ward !== undefined && message.kind !== "posted") ward.isStarting = false;
    if (![...this.#wards.values()].some(({ isStarting }) => isStarting)) this.#options.onStarting(false);
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

/** Keeps a thread for another nursery where so many are not kept yet, and ends it otherwise. */
function putAside(thread: Worker, idle: Worker[], most: number): void {
  if (idle.length >= most) return thread.terminate();
  thread.postMessage({ kind: "end all" } satisfies ToNursery);
  thread.onmessage = null;
  thread.onerror = (event) => {
    event.preventDefault();
    thread.terminate();
    if (idle.includes(thread)) idle.splice(idle.indexOf(thread), 1);
  };
  idle.push(thread);
}
