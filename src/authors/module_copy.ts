import { fileURLToPath } from "node:url";
import type { PluginPermissions } from "../config/config.ts";
import type { Provided } from "../modules/module_file.ts";
import { originalNames } from "../modules/original_names.ts";
import { type PreparedModule, prepareModule } from "../modules/prepare_module.ts";
import { leaves, removed } from "../leftovers.ts";

/** A module as the server would load it, for as long as it is looked at: stripped of its types, in a folder of its own. */
export class ModuleCopy implements AsyncDisposable {
  private constructor(
    /** The URL to import. */
    readonly url: string,
    /** Null where the module is built in. */
    readonly prepared: PreparedModule | null,
    /** Puts the names of the original files into a text that tells of the copy. */
    readonly named: (text: string) => string,
    readonly folder: string | null,
  ) {}

  /** Throws ModuleError, with file, line and column, where it cannot be loaded. */
  static async of(module: string, grants: PluginPermissions, provided: Provided = {}): Promise<ModuleCopy> {
    if (!module.startsWith("file:")) return new ModuleCopy(module, null, (text) => text, null);
    // Made with the mode 0700: this user's alone.
    const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "mevent-module-" }));
    leaves(folder);
    try {
      const prepared = await prepareModule({ module, grants, folder, provided });
      return new ModuleCopy(prepared.url, prepared, originalNames(prepared), folder);
    } catch (error) {
      await remove(folder);
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.folder !== null) await remove(this.folder);
  }
}

async function remove(folder: string): Promise<void> {
  await Deno.remove(folder, { recursive: true });
  removed(folder);
}

/** The path of a module's file, or `builtin:NAME`. */
export function modulePath(module: string): string {
  return module.startsWith("file:") ? fileURLToPath(module) : module;
}
