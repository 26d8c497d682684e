import { controlFolder, makeOwnFolder } from "./control_path.ts";
import type { Log } from "../observe/log.ts";
import { leaves, removed } from "../worker/leftovers.ts";

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
  private constructor(readonly path: string, readonly lock: Deno.FsFile) {}

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
        return new SnapshotFolder(own, lock);
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
    this.lock.close();
  }

  /** Whether it is gone: that something in it was not found says nothing about the rest. */
  async #remove(): Promise<boolean> {
    await Deno.remove(this.path, { recursive: true }).catch(() => {});
    return await Deno.lstat(this.path).then(() => false, (error) => error instanceof Deno.errors.NotFound);
  }
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

function removeAll(folder: string): void {
  try {
    Deno.removeSync(folder, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
