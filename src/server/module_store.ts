import type { PluginConfig } from "../config/config.ts";
import { ModuleError } from "../modules/module_error.ts";
import type { ModuleRequest, PreparedModule } from "../modules/prepare_module.ts";
import type { Log } from "../observe/log.ts";
import { SnapshotFolder } from "./snapshot_folder.ts";

/** A plugin's code, for as long as somebody holds it. */
export class HeldModule {
  #holders = 0;

  constructor(
    /** Null where the module is built in. */
    readonly prepared: PreparedModule | null,
    readonly drop: () => void,
  ) {}

  /** Keeps its files until the returned function has been called. */
  hold(): () => void {
    this.#holders++;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      if (--this.#holders === 0) this.drop();
    };
  }
}

/** The snapshots of the modules that the plugins run, in a folder that is made when the first one is needed. */
export class ModuleStore {
  #folder: SnapshotFolder | null = null;
  readonly #removals = new Set<Promise<void>>();

  constructor(
    readonly prepare: (request: ModuleRequest) => Promise<PreparedModule>,
    readonly env: Readonly<Record<string, string>>,
    readonly log: Log,
  ) {}

  /**
   * Prepares the module of a plugin; gives the one of before where its code is the same. Rejects with ModuleError where it
   * cannot be loaded.
   */
  async take({ module, permissions }: PluginConfig, before: HeldModule | null): Promise<HeldModule> {
    if (!module.startsWith("file:")) {
      return before?.prepared === null ? before : new HeldModule(null, () => {});
    }
    const folder = (this.#folder ??= this.#open()).path;
    const known = before?.prepared?.hash;
    const prepared = await this.prepare({ module, grants: permissions, folder, known });
    if (before !== null && known === prepared.hash) return before;
    return new HeldModule(prepared, () => this.#remove(prepared.folder));
  }

  /** Removes all of it. */
  async close(): Promise<void> {
    await Promise.all(this.#removals);
    await this.#folder?.close();
    this.#folder = null;
  }

  #open(): SnapshotFolder {
    try {
      return SnapshotFolder.open(this.env, this.log);
    } catch (error) {
      throw new ModuleError(
        `there is no folder for its snapshot: ${error instanceof Error ? error.message : error}`,
      );
    }
  }

  #remove(folder: string): void {
    const removed = Deno.remove(folder, { recursive: true }).catch((error) => {
      this.log.warn("the snapshot of a module cannot be removed", { folder, error: String(error) });
    }).then(() => void this.#removals.delete(removed));
    this.#removals.add(removed);
  }
}
