/** What the plugin `recorder` has noted of the operations with one tag. */
export interface TagRuns {
  /** Runs that have begun, in the order of all. */
  begun: number;
  /** Those that ended well. */
  done: number;
  /** Those that ended with an error of the plugin's. */
  failed: number;
  /** The ids, as plugins see them, under which it ran. */
  readonly ids: Set<string>;
}

/** Reads the file of the plugin `recorder` on and on: which operations have run, how often, and in which order they began. */
export class Runs implements Disposable {
  /** The tags whose first run has begun, in that order. */
  readonly order: number[] = [];
  readonly #file: Deno.FsFile;
  readonly #byTag = new Map<number, TagRuns>();
  #rest = "";

  constructor(readonly path: string) {
    this.#file = Deno.openSync(path, { read: true, write: true, create: true });
  }

  of(tag: number): TagRuns {
    let runs = this.#byTag.get(tag);
    if (runs === undefined) {
      runs = { begun: 0, done: 0, failed: 0, ids: new Set() };
      this.#byTag.set(tag, runs);
    }
    return runs;
  }

  /** Reads what has been written since; returns the tags of the runs that have begun and of those that ended well. */
  read(): { readonly begun: number[]; readonly done: number[] } {
    const begun: number[] = [];
    const done: number[] = [];
    const buffer = new Uint8Array(64 * 1024);
    const decoder = new TextDecoder();
    for (let count = this.#file.readSync(buffer); count !== null; count = this.#file.readSync(buffer)) {
      this.#rest += decoder.decode(buffer.subarray(0, count));
    }
    const lines = this.#rest.split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      const [what, tag, id = "", code] = line.split(" ");
      const runs = this.of(Number(tag));
      if (what === "B") {
        if (runs.begun === 0) this.order.push(Number(tag));
        runs.begun++;
        runs.ids.add(id);
        begun.push(Number(tag));
      } else if (code === "1000") {
        runs.done++;
        done.push(Number(tag));
      } else if (code !== "later") runs.failed++;
    }
    return { begun, done };
  }

  /** Forgets all, in the file, too. Nothing may run meanwhile. */
  clear(): void {
    this.#file.truncateSync(0);
    this.#file.seekSync(0, Deno.SeekMode.Start);
    this.#byTag.clear();
    this.order.length = 0;
    this.#rest = "";
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}
