import type { ModuleRequest, PreparedModule } from "../modules/prepare_module.ts";
import { textOf } from "./text_of.ts";

/** To the thread that prepares modules, and what it answers. */
export interface ToModuleThread {
  readonly id: number;
  readonly request: ModuleRequest;
}

export type FromModuleThread =
  | { readonly id: number; readonly prepared: PreparedModule }
  /** Why it cannot be loaded, and the files that were looked at. */
  | { readonly id: number; readonly problem: string; readonly files: readonly string[] };

/** A module that takes longer is given up with all others that are under way, in ms: some file system does not answer. */
const PREPARE_MS = 30_000;
/** The thread, some 30 MB of it, ends after so long of nothing to do, in ms. */
const IDLE_MS = 5_000;

/** Prepares modules in a thread of their own, which is there only while there is something to do. */
export class ModulePreparer {
  /** Under way, with the timer of each. */
  readonly #timers = new Map<number, number>();
  #thread: Worker | null = null;
  #idle: number | undefined;

  constructor(readonly post: (message: FromModuleThread) => void) {}

  prepare(id: number, request: ModuleRequest): void {
    clearTimeout(this.#idle);
    const late = () => this.#fail(`it was not read within ${PREPARE_MS / 1000} s`);
    this.#timers.set(id, setTimeout(late, PREPARE_MS));
    try {
      this.#thread ??= this.#open();
      const message: ToModuleThread = { id, request };
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
