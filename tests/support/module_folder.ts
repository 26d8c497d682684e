import { PLUGIN_DEFAULTS } from "../../src/config/defaults.ts";
import type { Grants } from "../../src/modules/grants.ts";
import { type PreparedModule, prepareModule } from "../../src/modules/prepare_module.ts";

/** A temporary folder with a plugin's files, and one for snapshots of them. */
export class ModuleFolder implements AsyncDisposable {
  private constructor(readonly path: string, readonly snapshots: string) {}

  static async make(files: Readonly<Record<string, string | Uint8Array>> = {}): Promise<ModuleFolder> {
    const path = await Deno.realPath(await Deno.makeTempDir({ prefix: "mevent-test-" }));
    const folder = new ModuleFolder(`${path}/plugin`, `${path}/snapshots`);
    await Deno.mkdir(folder.snapshots);
    await Deno.mkdir(folder.path);
    for (const [name, text] of Object.entries(files)) await folder.write(name, text);
    return folder;
  }

  async write(name: string, text: string | Uint8Array): Promise<void> {
    const path = `${this.path}/${name}`;
    await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    if (typeof text === "string") await Deno.writeTextFile(path, text);
    else await Deno.writeFile(path, text);
  }

  url(name: string): string {
    return new URL(`file://${this.path}/${name}`).href;
  }

  /** Prepares one of the files; without other grants, as a plugin that is granted nothing. */
  prepare(name: string, grants: Partial<Grants> = {}, known?: string): Promise<PreparedModule> {
    return prepareModule({
      module: this.url(name),
      grants: { ...PLUGIN_DEFAULTS.permissions, ...grants },
      folder: this.snapshots,
      known,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path.slice(0, this.path.lastIndexOf("/")), { recursive: true });
  }
}
