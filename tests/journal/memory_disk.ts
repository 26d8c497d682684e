import type { JournalFile, JournalFiles } from "../../src/journal/journal_files.ts";

/** One call of the file layer. */
export interface DiskCall {
  readonly name: string;
  readonly path: string;
}

/** What a file is, whatever its name. */
interface Inode {
  data: Uint8Array<ArrayBuffer>;
  /** As it was at the last sync. */
  synced: Uint8Array<ArrayBuffer>;
}

const SECTOR = 512;

/** An error of the system with its code. */
export function systemError(code: string): Error {
  return Object.assign(new Error(`${code} (a test wants it)`), { code });
}

/** Files in memory that forget, when power is lost, what was not synced; a test has any call fail. */
export class MemoryDisk implements JournalFiles {
  calls = 0;
  /** Asked before each call; it throws where the call is to fail. */
  fault: (call: DiskCall, index: number) => void = () => {};
  /** The most that one write writes. */
  maxWrite = Infinity;
  /** Bytes that fit. */
  capacity = Infinity;
  /** It says how many of them are left. */
  tellsFree = true;
  readonly locks = new Set<string>();
  readonly #names: Map<string, Inode>;
  /** The names that outlive a loss of power. */
  #syncedNames: Map<string, Inode>;

  constructor(names: ReadonlyMap<string, Inode> = new Map(), syncedNames = names) {
    this.#names = new Map(names);
    this.#syncedNames = new Map(syncedNames);
  }

  /** What a process finds that is started after this one was killed; what was not synced is so still. */
  afterKill(): MemoryDisk {
    const copies = new Map<Inode, Inode>();
    const copy = (inode: Inode) => {
      const known = copies.get(inode) ?? { data: inode.data.slice(), synced: inode.synced.slice() };
      copies.set(inode, known);
      return known;
    };
    const all = (names: ReadonlyMap<string, Inode>) =>
      new Map([...names].map(([path, inode]) => [path, copy(inode)]));
    return new MemoryDisk(all(this.#names), all(this.#syncedNames));
  }

  /** What is found after power was lost: names and bytes that were not synced are there or not, sector by sector. */
  afterPowerLoss(isKept: () => boolean = () => false): MemoryDisk {
    const names = new Map(this.#syncedNames);
    for (const [path, inode] of this.#names) {
      if (names.get(path) !== inode && isKept()) names.set(path, inode);
    }
    for (const path of [...names.keys()]) if (!this.#names.has(path) && isKept()) names.delete(path);
    return new MemoryDisk(new Map([...names].map(([path, inode]) => [path, whole(cut(inode, isKept))])));
  }

  /** A file's bytes, to be changed. */
  bytes(path: string): Uint8Array<ArrayBuffer> {
    return this.#names.get(path)!.data;
  }

  paths(): string[] {
    return [...this.#names.keys()].sort();
  }

  put(path: string, data: Uint8Array<ArrayBuffer>): void {
    const inode = whole(data);
    this.#names.set(path, inode);
    this.#syncedNames.set(path, inode);
  }

  call(name: string, path: string): void {
    this.fault({ name, path }, this.calls++);
  }

  list(folder: string): string[] {
    this.call("list", folder);
    return this.paths().filter((path) => path.startsWith(`${folder}/`)).map((path) =>
      path.slice(folder.length + 1)
    );
  }

  makeFolder(folder: string): void {
    this.call("makeFolder", folder);
  }

  create(path: string): JournalFile {
    this.call("create", path);
    const inode = { data: new Uint8Array(), synced: new Uint8Array() };
    this.#names.set(path, inode);
    return this.#file(path, inode);
  }

  openToRead(path: string): JournalFile {
    this.call("openToRead", path);
    const inode = this.#names.get(path);
    if (inode === undefined) throw systemError("ENOENT");
    return this.#file(path, inode);
  }

  rename(from: string, to: string): void {
    this.call("rename", from);
    this.#names.set(to, this.#names.get(from)!);
    this.#names.delete(from);
  }

  remove(path: string): void {
    this.call("remove", path);
    if (!this.#names.delete(path)) throw systemError("ENOENT");
  }

  syncFolder(folder: string): void {
    this.call("syncFolder", folder);
    this.#syncedNames = new Map(this.#names);
  }

  freeBytes(): number | null {
    return this.tellsFree ? this.capacity - this.#used() : null;
  }

  lock(path: string): Disposable | null {
    if (this.locks.has(path)) return null;
    this.locks.add(path);
    return { [Symbol.dispose]: () => void this.locks.delete(path) };
  }

  #used(): number {
    return [...this.#names.values()].reduce((sum, { data }) => sum + data.length, 0);
  }

  #file(path: string, inode: Inode): JournalFile {
    let isOpen = true;
    const call = (name: string) => {
      if (!isOpen) throw systemError("EBADF");
      this.call(name, path);
    };
    return {
      size: () => inode.data.length,
      readAt: (at, into) => {
        call("readAt");
        const piece = inode.data.subarray(at, at + into.length);
        into.set(piece);
        return piece.length;
      },
      writeAt: (at, bytes) => {
        call("writeAt");
        const grows = Math.max(0, at + bytes.length - inode.data.length);
        const fits = bytes.length - Math.max(0, grows - (this.capacity - this.#used()));
        const count = Math.min(bytes.length, this.maxWrite, fits);
        if (count <= 0) throw systemError("ENOSPC");
        const length = Math.max(inode.data.length, at + count);
        // Bytes that were synced stay as they were for `synced`.
        const data = new Uint8Array(length);
        data.set(inode.data);
        data.set(bytes.subarray(0, count), at);
        inode.data = data;
        return count;
      },
      syncData: () => {
        call("syncData");
        inode.synced = inode.data;
      },
      truncate: (length) => {
        call("truncate");
        inode.data = inode.data.slice(0, length);
      },
      close: () => {
        call("close");
        isOpen = false;
      },
    };
  }
}

function whole(data: Uint8Array<ArrayBuffer>): Inode {
  return { data: data.slice(), synced: data.slice() };
}

/** A file after power was lost: each sector as it was synced, or as it was written since. */
function cut({ data, synced }: Inode, isKept: () => boolean): Uint8Array<ArrayBuffer> {
  const length = data.length !== synced.length && isKept() ? data.length : synced.length;
  const left = new Uint8Array(length);
  left.set(synced.subarray(0, length));
  for (let at = 0; at < length; at += SECTOR) {
    const fresh = data.subarray(at, Math.min(at + SECTOR, length));
    const differs = fresh.some((byte, index) => byte !== left[at + index]);
    if (differs && isKept()) left.set(fresh, at);
  }
  return left;
}
