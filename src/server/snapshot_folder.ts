import { dirname } from "node:path";
import type { WrittenFile } from "../modules/prepare_module.ts";
import { controlFolder, makeOwnFolder } from "../control/control_path.ts";
import type { Log } from "../observe/log.ts";
import { leaves, removed } from "../leftovers.ts";

const encoder = new TextEncoder();
const NAME = /^modules-[0-9a-f]{12}$/;
/** Of making one, for another server may take its lock for a leftover's; and of removing it. */
const TRIES = 10;
/** Between two of them to remove one that is still written to, in ms. */
const PAUSE_MS = 20;

/**
 * A folder of this user alone, for the snapshots of one server. A lock beside it, which ends with the process, says that
 * it is in use: the next server of this user clears what a killed one has left.
 */
export class SnapshotFolder {
  #lock: Deno.FsFile;
  #held: Deno.FsFile;

  private constructor(readonly base: string, readonly path: string, lock: Deno.FsFile) {
    this.#lock = lock;
    this.#held = held(path);
  }

  /** What says that it is in use: on the file beside it, and on the folder itself. */
  get locks(): readonly Deno.FsFile[] {
    return [this.#lock, this.#held];
  }

  /** Makes one. Throws ControlFolderError, or what the system says, where it cannot. */
  static open(env: Readonly<Record<string, string>>, log: Log): SnapshotFolder {
    const { path, isShared } = controlFolder(env);
    const base = isShared ? path : `${path}/mevent`;
    makeOwnFolder(base);
    clear(base, log);
    for (let tries = 0; tries < TRIES; tries++) {
      const own = `${base}/modules-${crypto.randomUUID().replaceAll("-", "").slice(0, 12)}`;
      const lock = Deno.openSync(`${own}.lock`, { write: true, createNew: true, mode: 0o600 });
      if (lock.tryLockSync(true) && isThere(`${own}.lock`)) {
        Deno.mkdirSync(own, { mode: 0o700 });
        for (const path of [own, `${own}.lock`]) leaves(path);
        return new SnapshotFolder(base, own, lock);
      }
      lock.close();
    }
    throw new Error(`no folder can be locked in ${base}`);
  }

  /** Removes it with all that is in it, what a thread that was ended is still writing there included. */
  async close(): Promise<void> {
    let isGone = await this.#remove();
    for (let tries = 1; !isGone && tries < TRIES; tries++) {
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      isGone = await this.#remove();
    }
    // By its lock the next server finds what could not be removed.
    if (isGone) await Deno.remove(`${this.path}.lock`).catch(() => {});
    for (const path of [this.path, `${this.path}.lock`]) removed(path);
    this.#held.close();
    this.#lock.close();
  }

  /**
   * Writes the files of a folder in it again that are not there any more, or not whole, the folders above included; false
   * where all are. Throws what the system says, or ControlFolderError where somebody else has made a folder of that name.
   */
  restore(folder: string, texts: readonly WrittenFile[]): boolean {
    const missing = texts.filter(([path, text]) => !isThere(folder + path, encoder.encode(text).length));
    if (missing.length === 0) return false;
    makeOwnFolder(this.base);
    if (!isThere(`${this.path}.lock`)) {
      removeAll(`${this.path}.lock`);
      const lock = Deno.openSync(`${this.path}.lock`, { write: true, createNew: true, mode: 0o600 });
      this.#lock.close();
      this.#lock = lock;
      lock.lockSync(true);
    }
    Deno.mkdirSync(this.path, { recursive: true, mode: 0o700 });
    const folderHeld = held(this.path);
    this.#held.close();
    this.#held = folderHeld;
    for (const [path, text] of missing) {
      Deno.mkdirSync(dirname(folder + path), { recursive: true, mode: 0o700 });
      removeAll(folder + path);
      Deno.writeTextFileSync(folder + path, text, { mode: 0o600, createNew: true });
    }
    return true;
  }

  /** Whether it is gone: that something in it was not found says nothing about the rest. */
  async #remove(): Promise<boolean> {
    await Deno.remove(this.path, { recursive: true }).catch(() => {});
    return await Deno.lstat(this.path).then(() => false, (error) => error instanceof Deno.errors.NotFound);
  }
}

/** Keeps a lock on the folder itself, by which those who clear temporary folders pass over it. */
function held(path: string): Deno.FsFile {
  const folder = Deno.openSync(path);
  folder.tryLockSync(true);
  return folder;
}

/** Removes the folders whose server is gone. What cannot be removed stays, and is told. */
function clear(base: string, log: Log): void {
  for (const { name } of Deno.readDirSync(base)) {
    if (!name.endsWith(".lock") || !NAME.test(name.slice(0, -".lock".length))) continue;
    const path = `${base}/${name}`;
    try {
      using lock = Deno.openSync(path, { write: true });
      if (!lock.tryLockSync(true)) continue;
      removeAll(path.slice(0, -".lock".length));
      Deno.removeSync(path);
    } catch (error) {
      // Another server clears it, too.
      if (error instanceof Deno.errors.NotFound) continue;
      log.warn("what a killed server has left cannot be removed", { path, error: String(error) });
    }
  }
}

function removeAll(path: string): void {
  try {
    Deno.removeSync(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Whether it is a file, of so many bytes where that is said. */
function isThere(path: string, bytes?: number): boolean {
  try {
    const { isFile, size } = Deno.lstatSync(path);
    return isFile && (bytes === undefined || size === bytes);
  } catch {
    return false;
  }
}
