import type { ModuleRequest, PreparedModule } from "../modules/prepare_module.ts";
import type { FileReading } from "../modules/read_regular.ts";
import { textOf } from "../text_of.ts";

/** To the thread that prepares modules and reads files, and what it answers. */
export type ToModuleThread = { readonly id: number } & ModuleWork;

/** A module is to be prepared, or a regular file of at most so many bytes to be read. */
export type ModuleWork =
  | { readonly request: ModuleRequest }
  | { readonly read: { readonly path: string; readonly maxBytes: number } };

export type FromModuleThread =
  | { readonly id: number; readonly prepared: PreparedModule }
  | { readonly id: number; readonly reading: FileReading }
  /** Why it cannot be loaded, and the files that were looked at. */
  | { readonly id: number; readonly problem: string; readonly files: readonly string[] };

/** What takes longer is given up with all others that are under way, in ms: some file system does not answer. */
const PREPARE_MS = 30_000;
/** The thread, some 30 MB of it, ends after so long of nothing to do, in ms. */
const IDLE_MS = 1_000;

/** Prepares modules in a thread of their own, which is there only while there is something to do. */
export class ModulePreparer {
  /** Under way, with the timer of each. */
  readonly #timers = new Map<number, number>();
  #thread: Worker | null = null;
  #idle: number | undefined;

  constructor(readonly post: (message: FromModuleThread) => void) {}

  prepare(id: number, work: ModuleWork): void {
    clearTimeout(this.#idle);
    const late = () => this.#fail(`it was not read within ${PREPARE_MS / 1000} s`);
    this.#timers.set(id, setTimeout(late, PREPARE_MS));
    try {
      this.#thread ??= this.#open();
      const message: ToModuleThread = { id, ...work };
      this.#thread.postMessage(message);
    } catch (error) {
      this.#fail(`the thread that reads modules cannot be started: ${textOf(error)}`);
    }
  }

  #open(): Worker {
    const thread = new Worker(new URL("./module_thread.ts", import.meta.url), {
      type: "module",
      name: "modules",
    });
    thread.onmessage = ({ data }: MessageEvent<FromModuleThread>) => {
      clearTimeout(this.#timers.get(data.id));
      this.#timers.delete(data.id);
      this.post(data);
      if (this.#timers.size === 0) this.#idle = setTimeout(() => this.#close(), IDLE_MS);
    };
    thread.onerror = (event) => {
      event.preventDefault();
      this.#fail(`the thread that reads modules has failed: ${event.message}`);
    };
    return thread;
  }

  #fail(problem: string): void {
    this.#close();
    for (const [id, timer] of this.#timers) {
      clearTimeout(timer);
      this.#timers.delete(id);
      this.post({ id, problem, files: [] });
    }
  }

  #close(): void {
    clearTimeout(this.#idle);
    this.#thread?.terminate();
    this.#thread = null;
  }
}
