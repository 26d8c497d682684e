import type { Cache, Logger, PluginContext } from "mevent/plugin";
import { requirePermissions } from "../permissions.ts";

/** How a snapshot begins; what begins otherwise is somebody else's file. */
const HEAD = '{"mevent":"kv","version":1,';
/** The longest first line, in bytes. */
const HEAD_LINE = 1024;
/** Entries that are put into the cache at once when a snapshot is read. */
const LOAD_TOGETHER = 256;
/** Text that is written at once, in UTF-16 units. */
const WRITE_TOGETHER = 64 * 1024;
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

function folderOf(path: string): string {
  const end = path.lastIndexOf("/");
  return end < 0 ? "." : path.slice(0, end) || "/";
}

/** The snapshot is written beside its place and then renamed: that takes the whole folder. */
export async function checkFolder(path: string): Promise<void> {
  const folder = folderOf(path);
  const what = "the snapshot needs its folder";
  requirePermissions(what, { name: "read", path: folder }, { name: "write", path: folder });
  const isFolder = await Deno.stat(folder).then(({ isDirectory }) => isDirectory, () => false);
  if (!isFolder) throw new Error(`the snapshot's folder ${JSON.stringify(folder)} is not there; make it`);
}

/** Whose snapshots may be written over: what they hold is in the cache, or has been. */
export class Ownership {
  readonly #runs: Set<string>;
  #hasWritten = false;

  /** @param run of this server: what it has written */
  constructor(readonly run: string) {
    this.#runs = new Set([run]);
  }

  /** The snapshot that is there is read at this start of the server. */
  async takeOver(path: string): Promise<void> {
    const run = await runOf(path);
    if (run !== null) this.#runs.add(run);
  }

  written(): void {
    this.#hasWritten = true;
  }

  /** What a snapshot that nobody has read is to be called; null where there is none. Throws where one has come since. */
  async keptName(path: string): Promise<string | null> {
    const run = await runOf(path);
    if (run === null || this.#runs.has(run)) return null;
    if (this.#hasWritten) {
      throw new Error(
        `${path} was put there by somebody else meanwhile, and stays as it is; ` +
          "move it away, restart the server to read it, or give each server a file of its own",
      );
    }
    return `${path}.${new Date().toISOString().replaceAll(":", "-")}.kept`;
  }
}

/**
 * Writes all entries to a file of its own, which takes the snapshot's place when it is complete and on the disk; returns
 * how many they were.
 *
 * ```
 * {"mevent":"kv","version":1,"taken":ms since 1970,"run":"whose"}
 * [key, value, when it expires: ms since 1970, 0 for never]
 * ...
 * {"entries":how many,"check":FNV-1a of all bytes before this line}
 * ```
 */
export async function writeSnapshot(
  path: string,
  ownership: Ownership,
  { cache, stats, log, signal }: Omit<PluginContext, "signal"> & { readonly signal: AbortSignal | undefined },
): Promise<number> {
  const begunAt = performance.now();
  const kept = await ownership.keptName(path);
  const temporary = `${path}.${crypto.randomUUID()}.tmp`;
  const file = await Deno.open(temporary, { write: true, createNew: true, mode: 0o600 });
  let entries = 0;
  let check = FNV_OFFSET;
  try {
    let text = `${HEAD}"taken":${Date.now()},"run":${JSON.stringify(ownership.run)}}\n`;
    const put = async () => {
      const bytes = new TextEncoder().encode(text);
      check = fnv(check, bytes, bytes.length);
      text = "";
      for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
    };
    for await (const { key, value, expire } of cache.entries()) {
      signal?.throwIfAborted();
      const expiresAt = expire === 0 ? 0 : Math.round(Date.now() + expire * 1000);
      text += `${JSON.stringify([key, value, expiresAt])}\n`;
      entries++;
      if (text.length >= WRITE_TOGETHER) await put();
    }
    await put();
    text = `${JSON.stringify({ entries, check })}\n`;
    await put();
    await file.sync();
    if (kept !== null) {
      await Deno.link(path, kept);
      log.warn("a snapshot was there that was not read: it is kept", { path, kept });
    }
    await Deno.rename(temporary, path);
    ownership.written();
  } catch (error) {
    await Deno.remove(temporary);
    throw error;
  } finally {
    file.close();
  }
  await syncFolder(folderOf(path));
  stats.count("snapshots");
  stats.gauge("snapshot_entries", entries);
  stats.gauge("snapshot_ms", Math.round(performance.now() - begunAt));
  log.debug("the snapshot is written", { path, entries });
  return entries;
}

/** Who has written the snapshot; null where there is none. Throws where it is somebody else's file. */
async function runOf(path: string): Promise<string | null> {
  const file = await openThere(path);
  if (file === null) return null;
  try {
    return await readHead(file, path);
  } finally {
    file.close();
  }
}

async function openThere(path: string): Promise<Deno.FsFile | null> {
  try {
    // Opening a pipe waits for whoever writes into it, and holds up the whole worker.
    const { isFile } = await Deno.stat(path);
    if (!isFile) throw new Error(`${path} is no regular file, as a snapshot is; name another one`);
    return await Deno.open(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** Who has written it, "" where it does not say so. */
async function readHead(file: Deno.FsFile, path: string): Promise<string> {
  const head = new Uint8Array(HEAD_LINE);
  let length = 0;
  for (let count: number | null = 0; length < head.length && count !== null; length += count ?? 0) {
    count = await file.read(head.subarray(length));
  }
  const [line = ""] = new TextDecoder().decode(head.subarray(0, length)).split("\n", 1);
  if (line.startsWith(HEAD)) {
    const said = parsed(line);
    return typeof said === "object" && said !== null && "run" in said ? String(said.run) : "";
  }
  throw new Error(`${path} is no snapshot of kv, and stays as it is; move it away, or name another file`);
}

/** So that the rename outlives a power failure, too. */
async function syncFolder(folder: string): Promise<void> {
  using opened = await Deno.open(folder);
  await opened.sync();
}

/** Reads the snapshot into the cache, and removes what a killed server has left beside it. Throws where it is no whole one. */
export async function loadSnapshot(
  path: string,
  { cache, log }: { readonly cache: Pick<Cache, "set">; readonly log: Logger },
): Promise<void> {
  const name = path.slice(path.lastIndexOf("/") + 1);
  for await (const entry of Deno.readDir(folderOf(path))) {
    if (entry.isFile && entry.name.startsWith(`${name}.`) && entry.name.endsWith(".tmp")) {
      await Deno.remove(`${folderOf(path)}/${entry.name}`);
    }
  }
  const file = await openThere(path);
  if (file === null) return log.info("there is no snapshot yet", { path });
  const damaged = (what: string) =>
    new Error(
      `${path} is damaged: ${what}; put a good one in its place, or move it away to start with nothing`,
    );
  let waiting: Promise<void>[] = [];
  let entries = 0;
  let isEnded = false;
  try {
    await readHead(file, path);
    await file.seek(0, Deno.SeekMode.Start);
    for await (const { line, check } of linesOf(file)) {
      if (isEnded) throw damaged("something follows its end");
      const value = parsed(line);
      if (isEntry(value)) {
        entries++;
        const [key, text, expiresAt] = value;
        const left = expiresAt === 0 ? 0 : (expiresAt - Date.now()) / 1000;
        if (left >= 0 && (expiresAt === 0 || left > 0)) waiting.push(cache.set(key, text, left));
        if (waiting.length >= LOAD_TOGETHER) await Promise.all(waiting.splice(0));
      } else if (isEnd(value)) {
        if (value.entries !== entries || value.check !== check) throw damaged("it is not what was written");
        isEnded = true;
      } else if (entries > 0 || !line.startsWith(HEAD)) {
        throw damaged(`line ${entries + 2} is none of its lines`);
      }
    }
    if (!isEnded) throw damaged("its end is missing");
    await Promise.all(waiting);
  } finally {
    await Promise.allSettled(waiting);
    waiting = [];
    file.close();
  }
  log.info("the snapshot is read", { path, entries });
}

/** The lines of a file, and of each the check of all bytes before it. What does not end with a line feed is no line. */
async function* linesOf(file: Deno.FsFile): AsyncGenerator<{ line: string; check: number }> {
  const decoder = new TextDecoder();
  let bytes = new Uint8Array(WRITE_TOGETHER);
  let filled = 0;
  let check = FNV_OFFSET;
  for (;;) {
    if (filled === bytes.length) {
      const larger = new Uint8Array(2 * bytes.length);
      larger.set(bytes);
      bytes = larger;
    }
    const count = await file.read(bytes.subarray(filled));
    if (count === null) break;
    filled += count;
    let at = 0;
    for (let end = bytes.indexOf(0x0a); end >= 0 && end < filled; end = bytes.indexOf(0x0a, at)) {
      yield { line: decoder.decode(bytes.subarray(at, end)), check };
      check = fnv(check, bytes.subarray(at, end + 1), end + 1 - at);
      at = end + 1;
    }
    bytes.copyWithin(0, at, filled);
    filled -= at;
  }
  if (filled > 0) yield { line: decoder.decode(bytes.subarray(0, filled)), check };
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function isEntry(value: unknown): value is [string, string, number] {
  return Array.isArray(value) && value.length === 3 && typeof value[0] === "string" &&
    typeof value[1] === "string" && Number.isFinite(value[2]);
}

function isEnd(value: unknown): value is { entries: number; check: number } {
  return typeof value === "object" && value !== null && "entries" in value && "check" in value;
}

/** FNV-1a, gone on with. */
function fnv(hash: number, bytes: Uint8Array, length: number): number {
  for (let at = 0; at < length; at++) hash = Math.imul(hash ^ bytes[at]!, FNV_PRIME);
  return hash >>> 0;
}
