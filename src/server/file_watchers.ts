import type { PluginConfig } from "../config/config.ts";

/** The files of a watched plugin are looked at this often, in ms. */
const LOOK_MS = 150;
/** Files that go on changing are not waited for longer than so many looks. */
const MAX_LOOKS = 4;

export interface FileWatchersOptions {
  /** The files that a plugin's code was read from, or would be. */
  readonly files: (plugin: string) => readonly string[];
  /** Loads a plugin's code anew, and tells by itself what came of it. Never rejects. */
  readonly changed: (plugin: string) => Promise<void>;
}

/**
 * Looks at the files of plugins that are developed, and has their code loaded anew once they have changed and are quiet for
 * a moment. It compares time, size and identity: that sees files that are renamed over and file systems that notify
 * nobody.
 */
export class FileWatchers {
  readonly #watchers = new Map<string, FileWatcher>();

  constructor(readonly options: FileWatchersOptions) {}

  /** Watches the plugins of a config that ask for it, and no others. */
  follow(plugins: readonly PluginConfig[]): void {
    const wanted = new Set(
      plugins.filter(({ watch, module }) => watch && module.startsWith("file:")).map(({ name }) => name),
    );
    for (const [name, watcher] of this.#watchers) {
      if (wanted.has(name)) continue;
      watcher.stop();
      this.#watchers.delete(name);
    }
    for (const name of wanted) {
      if (!this.#watchers.has(name)) this.#watchers.set(name, new FileWatcher(name, this.options));
    }
  }

  stop(): void {
    this.follow([]);
  }
}

class FileWatcher {
  /** What the last look has seen. Nothing yet: the files may have changed since they were read. */
  #seen = "";
  /** Looks since they have changed that found them changing. */
  #changing = 0;
  #isStopped = false;
  #timer: number | undefined;

  constructor(readonly plugin: string, readonly options: FileWatchersOptions) {
    this.#again();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  #again(): void {
    if (!this.#isStopped) this.#timer = setTimeout(() => this.#look(), LOOK_MS);
  }

  async #look(): Promise<void> {
    const stamps = (await Promise.all(this.options.files(this.plugin).map(stampOf))).join("\n");
    if (this.#isStopped) return;
    const isQuiet = stamps === this.#seen;
    this.#seen = stamps;
    if (!isQuiet) this.#changing++;
    if (this.#changing > 0 && (isQuiet || this.#changing > MAX_LOOKS)) {
      this.#changing = 0;
      await this.options.changed(this.plugin);
    }
    this.#again();
  }
}

async function stampOf(path: string): Promise<string> {
  try {
    const { mtime, size, ino, dev } = await Deno.stat(path);
    return `${path} ${mtime?.getTime()} ${size} ${dev} ${ino}`;
  } catch {
    // Its absence is its state.
    return path;
  }
}
