import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const SOURCE = fileURLToPath(new URL("../../tests/durability/forgetful.c", import.meta.url));

/** A disk writes so many bytes of a file whole or not at all, at a multiple of them. */
const SECTOR_BYTES = 512;

/** Takes back what was done to a file: it had so many bytes, and those there, where so many were written. */
interface Undo {
  readonly at: number;
  readonly size: number;
  readonly bytes: Uint8Array;
  readonly length: number;
}

interface FileState {
  /** What was done since the last sync, the oldest first. */
  undo: Undo[];
  /** Syncs that have begun: so many of `undo` they cover, and for a folder the names in it then. */
  readonly syncing: { readonly covered: number; readonly names: ReadonlyMap<string, number> }[];
}

/** Whether a sector is on the disk that was written and not synced; asked of each. */
export type Survives = () => boolean;

/** What the disk has for sure and nothing else. */
export const SYNCED_ALONE: Survives = () => false;

/**
 * A file system that forgets what was not synced, for the processes that run with {@link PowerCut.env}: a library notes all that
 * they do below a folder, and {@link PowerCut.forget} takes back what no sync has covered, names in folders included.
 */
export class PowerCut {
  readonly #log: string;
  readonly #kept: string;
  /** The names when the processes began, all of them on the disk. */
  #before = new Map<string, number>();

  private constructor(readonly root: string, readonly side: string, readonly syncMs: number) {
    this.#log = join(side, "log");
    this.#kept = join(side, "kept");
  }

  /**
   * A sync takes `syncMs` longer than it does, so that a process is killed amid one more often than not.
   *
   * For a folder that exists; `side` is another one, which exists and lies on the same file system. Builds the library with
   * `cc`; throws NotFound where there is none.
   */
  static async prepare(root: string, side: string, syncMs = 0): Promise<PowerCut> {
    const library = join(side, "forgetful.so");
    const { success, stderr } = await new Deno.Command("cc", {
      args: ["-shared", "-fPIC", "-O1", "-D_GNU_SOURCE", SOURCE, "-o", library, "-ldl"],
      stdout: "null",
    }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    return new PowerCut(root, side, syncMs);
  }

  get env(): Readonly<Record<string, string>> {
    return {
      LD_PRELOAD: join(this.side, "forgetful.so"),
      FORGETFUL_ROOT: this.root,
      FORGETFUL_LOG: this.#log,
      FORGETFUL_KEPT: this.#kept,
      FORGETFUL_SYNC_MS: String(this.syncMs),
    };
  }

  /** Call it before a process starts: what is there now is on the disk. */
  begin(): void {
    removeAll(this.#kept);
    Deno.mkdirSync(this.#kept);
    Deno.writeTextFileSync(this.#log, "");
    this.#before = namesBelow(this.root);
  }

  /** Replaces the folder by what the disk has. Nothing may run there any more. Returns how many bytes and names are gone. */
  forget(survives: Survives = SYNCED_ALONE): { readonly bytes: number; readonly names: number } {
    const files = new Map<number, FileState>();
    const stateOf = (inode: number) => {
      let state = files.get(inode);
      if (state === undefined) files.set(inode, state = { undo: [], syncing: [] });
      return state;
    };
    const names = new Map(this.#before);
    const onDisk = new Map(this.#before);
    for (const line of Deno.readTextFileSync(this.#log).split("\n")) {
      const [what, ...words] = line.split(" ");
      if (what === "c") names.set(words[0]!, Number(words[1]));
      else if (what === "u") names.delete(words[0]!);
      else if (what === "r") {
        names.delete(words[0]!);
        names.set(words[1]!, Number(words[2]));
      } else if (what === "w" || what === "t") {
        const [inode, at, size, hex = "-", length] = words;
        stateOf(Number(inode)).undo.push(undoOf(Number(at), Number(size), hex, Number(length ?? NaN)));
      } else if (what === "b") {
        const state = stateOf(Number(words[0]));
        state.syncing.push({
          covered: state.undo.length,
          names: namesIn(names, Number(words[0]), this.root),
        });
      } else if (what === "s") {
        const inode = Number(words[0]);
        const state = stateOf(inode);
        const { covered, names: synced } = state.syncing.shift()!;
        state.undo = state.undo.slice(covered);
        // What is covered is gone for the syncs that began later, too.
        for (const [index, other] of state.syncing.entries()) {
          state.syncing[index] = { ...other, covered: Math.max(0, other.covered - covered) };
        }
        const folder = pathOf(names, inode, this.root);
        if (folder === undefined) continue;
        for (const path of onDisk.keys()) if (dirname(path) === folder) onDisk.delete(path);
        for (const [path, child] of synced) onDisk.set(path, child);
      }
    }
    return this.#rebuild(files, onDisk, survives);
  }

  #rebuild(files: ReadonlyMap<number, FileState>, onDisk: ReadonlyMap<string, number>, survives: Survives) {
    const copy = `${this.root}.copy`;
    removeAll(copy);
    Deno.mkdirSync(copy, { mode: 0o700 });
    const there = new Map([...namesBelow(this.root)].map(([path, inode]) => [inode, path]));
    let bytes = 0;
    const made = new Set([this.root]);
    // A folder comes before what is in it.
    for (const [path, inode] of [...onDisk].sort(([a], [b]) => a < b ? -1 : 1)) {
      if (!made.has(dirname(path))) continue;
      const now = there.get(inode) ?? join(this.#kept, String(inode));
      const target = join(copy, path.slice(this.root.length));
      const info = statOf(now);
      if (info === null || info.isDirectory) {
        Deno.mkdirSync(target, { mode: 0o700 });
        made.add(path);
        continue;
      }
      const written = Deno.readFileSync(now);
      const kept = undone(written, files.get(inode)?.undo ?? [], survives);
      bytes += differing(written, kept);
      Deno.writeFileSync(target, kept, { mode: 0o600 });
    }
    const names = [...there.values()].filter((path) => !onDisk.has(path)).length;
    Deno.removeSync(this.root, { recursive: true });
    Deno.renameSync(copy, this.root);
    return { bytes, names };
  }
}

function differing(one: Uint8Array, other: Uint8Array): number {
  let count = Math.abs(one.length - other.length);
  for (let at = 0; at < Math.min(one.length, other.length); at++) if (one[at] !== other[at]) count++;
  return count;
}

function undoOf(at: number, size: number, hex: string, length: number): Undo {
  const bytes = hex === "-"
    ? new Uint8Array(Math.max(0, Math.min(length, size - at)))
    : Uint8Array.fromHex(hex);
  return { at, size, bytes, length };
}

/** The file's bytes without what was done to it, but for the sectors of it that survive. */
function undone(written: Uint8Array, undo: readonly Undo[], survives: Survives): Uint8Array {
  let bytes = written;
  for (const { at, size, bytes: before } of undo.toReversed()) {
    const restored = new Uint8Array(size);
    restored.set(bytes.subarray(0, size));
    restored.set(before.subarray(0, Math.max(0, size - at)), Math.min(at, size));
    bytes = restored;
  }
  for (const { at, length } of undo) {
    const end = Math.min(at + length, written.length);
    for (let from = at; from < end;) {
      const to = Math.min(end, (Math.floor(from / SECTOR_BYTES) + 1) * SECTOR_BYTES);
      if (survives()) bytes = put(bytes, from, written.subarray(from, to));
      from = to;
    }
  }
  return bytes;
}

/** With those bytes there; zeros lie between them and the end of before. */
function put(bytes: Uint8Array, at: number, some: Uint8Array): Uint8Array {
  const whole = at + some.length > bytes.length ? new Uint8Array(at + some.length) : bytes;
  if (whole !== bytes) whole.set(bytes);
  whole.set(some, at);
  return whole;
}

function pathOf(names: ReadonlyMap<string, number>, inode: number, root: string): string | undefined {
  if (Deno.statSync(root).ino === inode) return root;
  for (const [path, child] of names) if (child === inode) return path;
  return undefined;
}

/** What is in that folder. */
function namesIn(names: ReadonlyMap<string, number>, inode: number, root: string): Map<string, number> {
  const folder = pathOf(names, inode, root);
  return new Map([...names].filter(([path]) => dirname(path) === folder));
}

function namesBelow(folder: string): Map<string, number> {
  const names = new Map<string, number>();
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    const path = join(folder, name);
    names.set(path, Deno.lstatSync(path).ino!);
    if (isDirectory) { for (const [child, inode] of namesBelow(path)) names.set(child, inode); }
  }
  return names;
}

function statOf(path: string): Deno.FileInfo | null {
  try {
    return Deno.statSync(path);
  } catch (error) {
    // A folder that was removed again is kept as its name alone.
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

function removeAll(path: string): void {
  try {
    Deno.removeSync(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
