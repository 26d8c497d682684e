import { createReadStream } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { makeDataFolder } from "../durable/make_data_folder.ts";
import { systemReason } from "../system_reason.ts";
import { ControlRefusal } from "./control_refusal.ts";
import { letterLine, parseLetterLine, type WrittenLetter } from "./letter_line.ts";

/** Files that are kept, the newest of them. */
export const MAX_UNDO_FILES = 50;
/** Of one file, about. */
export const MAX_UNDO_BYTES = 256 * 1024 * 1024;
/** Lines that are written at once have so many UTF-16 units. */
const WRITE_CHARS = 256 * 1024;
const NAME = /^purge-[0-9TZ-]{1,40}-[0-9a-f]{8}\.ndjson$/;
const FIRST = '{"mevent_undo":1}';

/** What a file holds was put back, or what it holds is not whole. */
const DONE = ".done";
const PART = ".part";

/**
 * Files that put back what a purge has dropped: dead letters, a line of JSON each, between a first line that says what it is and a last
 * one that says how many they are. A file has its name once all of it is on the disk.
 */
export class UndoFiles {
  /** @param folder where they lie; null where nothing says where */
  constructor(readonly folder: () => string | null) {}

  /** Throws ControlRefusal where nothing says where they are to lie. */
  check(): void {
    this.#folder();
  }

  /** Writes one, on the disk when that resolves; resolves with its name. Rejects with ControlRefusal. */
  async write(letters: Iterable<WrittenLetter>, at: Date): Promise<string> {
    const folder = this.#folder();
    const stamp = at.toISOString().replaceAll(/[:.]/g, "-");
    const name = `purge-${stamp}-${crypto.randomUUID().slice(0, 8)}.ndjson`;
    await this.#contained(async () => {
      await makeDataFolder(folder);
      await this.#prune(folder);
      await this.#put(join(folder, name), linesOf(letters));
    });
    return name;
  }

  /** Tells each letter of a file, in order. Rejects with ControlRefusal before the first where the file is not whole. */
  async *letters(name: string): AsyncGenerator<WrittenLetter> {
    const path = this.#path(name);
    // One that is damaged is to put back nothing.
    for await (const _ of this.#read(path, name));
    yield* this.#read(path, name);
  }

  /** What a file holds was put back, but for these: they are what it holds from now on. */
  async putBack(name: string, left: readonly WrittenLetter[]): Promise<void> {
    const path = this.#path(name);
    await this.#contained(async () => {
      if (left.length === 0) await Deno.rename(path, path + DONE);
      else await this.#put(path, linesOf(left));
      await syncFolder(this.#folder());
    });
  }

  async #put(path: string, lines: Iterable<string>): Promise<void> {
    const part = path + PART;
    try {
      const options = { write: true, create: true, truncate: true, mode: 0o600 };
      using file = await Deno.open(part, options);
      const encoder = new TextEncoder();
      let text = "";
      for (const line of lines) {
        text += `${line}\n`;
        if (text.length < WRITE_CHARS) continue;
        await writeAll(file, encoder.encode(text));
        text = "";
      }
      await writeAll(file, encoder.encode(text));
      await file.sync();
    } catch (error) {
      await Deno.remove(part).catch(() => {});
      throw error;
    }
    await Deno.rename(part, path);
    await syncFolder(this.#folder());
  }

  async *#read(path: string, name: string): AsyncGenerator<WrittenLetter> {
    let count = -1;
    let isWhole = false;
    try {
      const lines = createInterface({ input: createReadStream(path), crlfDelay: Infinity });
      for await (const line of lines) {
        const letter = count < 0 ? null : parseLetterLine(line);
        if (isWhole || (count < 0 ? line !== FIRST : letter === null && line !== lastLine(count))) {
          throw new ControlRefusal(
            `${path} is no whole undo file: line ${count + 2} is none of it; nothing of it is put back`,
          );
        }
        if (count < 0) count = 0;
        else if (letter === null) isWhole = true;
        else {
          count++;
          yield letter;
        }
      }
    } catch (error) {
      throw this.#refusal(error, name);
    }
    if (isWhole) return;
    throw new ControlRefusal(
      `${path} is no whole undo file: its last line is missing; nothing of it is put back`,
    );
  }

  /** The oldest go, with those that were put back or never became whole. */
  async #prune(folder: string): Promise<void> {
    const names: string[] = [];
    for await (const { name, isFile } of Deno.readDir(folder)) {
      if (isFile && NAME.test(name.replace(/\.(?:done|part)$/, ""))) names.push(name);
    }
    const tooMany = names.sort().slice(0, Math.max(0, names.length - MAX_UNDO_FILES + 1));
    for (const name of tooMany) await Deno.remove(join(folder, name));
  }

  #folder(): string {
    const folder = this.folder();
    if (folder !== null) return folder;
    throw new ControlRefusal("there is no folder for undo files: name one with data of [server]");
  }

  #path(name: string): string {
    if (NAME.test(name)) return join(this.#folder(), name);
    throw new ControlRefusal("undo is to be the name of an undo file, as a purge has told it", "wrong");
  }

  async #contained(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      throw this.#refusal(error, "");
    }
  }

  #refusal(error: unknown, name: string): unknown {
    if (error instanceof ControlRefusal) return error;
    const folder = this.folder() ?? "";
    const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
    if (name !== "" && isMissing) {
      return new ControlRefusal(
        `there is no ${name} in ${folder}: it was put back, or newer ones took its place`,
        "unknown",
      );
    }
    return new ControlRefusal(`${join(folder, name)}: ${systemReason(error, "file")}`);
  }
}

function* linesOf(letters: Iterable<WrittenLetter>): Generator<string> {
  yield FIRST;
  let count = 0;
  for (const letter of letters) {
    yield letterLine(letter);
    count++;
  }
  yield lastLine(count);
}

function lastLine(count: number): string {
  return `{"end":${count}}`;
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
}

/** So that names outlive a loss of power. */
async function syncFolder(folder: string): Promise<void> {
  using handle = await Deno.open(folder);
  await handle.sync();
}
