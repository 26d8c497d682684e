import type { PluginConfig } from "../config/config.ts";
import { ModuleError } from "../modules/module_error.ts";
import type { ModuleRequest, PreparedModule } from "../modules/prepare_module.ts";
import type { Log } from "../observe/log.ts";
import { SnapshotFolder } from "./snapshot_folder.ts";

/** Files of one plugin that are remembered beside those of the last look. */
const MAX_FILES = 1000;

/** How Deno says EMFILE, for which it has no class. */
const NO_DESCRIPTOR = "(os error 24)";

const CLOSED = "the server has stopped";

/** What workers run that are made of held files. */
export interface HeldFiles {
  /** To be told when they have ended. */
  readonly ended: () => void;
  /** To be called before each of them starts. */
  readonly restore: () => void;
}

/** A plugin's code, for as long as somebody holds it. */
export class HeldModule {
  #holders = 0;

  constructor(
    /** Null where the module is built in. */
    readonly prepared: PreparedModule | null,
    readonly drop: () => void,
    /** Puts its files back where somebody has removed them. Throws ModuleError where they cannot be. */
    readonly restore: () => void = () => {},
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

  /** Keeps them for what is made, until that calls the function it is handed; where it cannot be made, nothing keeps them. */
  holdFor<T>(make: (held: HeldFiles) => T): T {
    const release = this.hold();
    try {
      return make({ ended: release, restore: this.restore });
    } catch (error) {
      release();
      throw error;
    }
  }
}

/** The snapshots of the modules that the plugins run, in a folder that is made when the first one is needed. */
export class ModuleStore {
  #folder: SnapshotFolder | null = null;
  /** By plugin: the files that were read the last time, or looked at where that failed. */
  readonly #files = new Map<string, readonly string[]>();
  readonly #removals = new Set<Promise<void>>();
  #isClosed = false;

  constructor(
    readonly prepare: (request: ModuleRequest) => Promise<PreparedModule>,
    readonly env: Readonly<Record<string, string>>,
    readonly log: Log,
  ) {}

  /**
   * Prepares the module of a plugin; gives the one of before where its code is the same. Rejects with ModuleError where it
   * cannot be loaded, or the store was closed meanwhile.
   */
  async take(
    { name, module, permissions }: Pick<PluginConfig, "name" | "module" | "permissions">,
    before: HeldModule | null,
  ): Promise<HeldModule> {
    if (!module.startsWith("file:")) {
      return before?.prepared === null ? before : new HeldModule(null, () => {});
    }
    if (this.#isClosed) throw new ModuleError(CLOSED);
    const folder = (this.#folder ??= this.#open()).path;
    const known = before?.prepared?.hash;
    const prepared = await this.#prepare(name, { module, grants: permissions, folder, known });
    if (this.#isClosed) throw new ModuleError(CLOSED);
    if (before !== null && known === prepared.hash) {
      before.restore();
      return before;
    }
    const restore = () => this.#restore(name, prepared);
    return new HeldModule(prepared, () => this.#remove(prepared.folder), restore);
  }

  /** The files that a plugin's code comes from, those that it lacks too. */
  filesOf(plugin: string): readonly string[] {
    return this.#files.get(plugin) ?? [];
  }

  /** Forgets the files of all other plugins. */
  keepOnly(plugins: readonly PluginConfig[]): void {
    const names = new Set(plugins.map(({ name }) => name));
    for (const name of this.#files.keys()) if (!names.has(name)) this.#files.delete(name);
  }

  async #prepare(plugin: string, request: ModuleRequest): Promise<PreparedModule> {
    try {
      const prepared = await this.prepare(request);
      this.#files.set(plugin, prepared.files);
      return prepared;
    } catch (error) {
      if (error instanceof ModuleError && error.files.length > 0) {
        // Those of before too: the change that is wrong may be undone.
        this.#files.set(plugin, [...new Set([...this.filesOf(plugin).slice(0, MAX_FILES), ...error.files])]);
      }
      if (error instanceof Error && error.message.includes(NO_DESCRIPTOR)) {
        throw new ModuleError("its files take more file descriptors than the system allows: raise ulimit -n");
      }
      throw error;
    }
  }

  /** Removes all of it; what is dropped from now on goes with it. */
  async close(): Promise<void> {
    this.#isClosed = true;
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

  #restore(plugin: string, { folder, texts }: PreparedModule): void {
    if (this.#folder === null) return;
    try {
      if (!this.#folder.restore(folder, texts)) return;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new ModuleError(
        `the copy of its files in ${folder} was removed or changed and cannot be made again: ${reason}`,
      );
    }
    this.log.warn("somebody has removed or changed the copy of a module's files: it is written again", {
      plugin,
      folder,
    });
  }

  #remove(folder: string): void {
    if (this.#isClosed) return;
    const removed = Deno.remove(folder, { recursive: true }).catch((error) => {
      this.log.warn("the snapshot of a module cannot be removed", { folder, error: String(error) });
    }).then(() => void this.#removals.delete(removed));
    this.#removals.add(removed);
  }
}
