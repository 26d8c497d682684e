import type { Log } from "../observe/log.ts";
import { systemReason } from "../system_reason.ts";

/** Lines that wait to be written at most, in UTF-16 units: a disk that stands still holds up nobody. */
const MAX_WAITING = 8 * 1024 * 1024;

const encoder = new TextEncoder();

/** A file that lines are appended to, in their order, one write after the other. */
export class AuditFile {
  #path = "";
  #file: Deno.FsFile | null = null;
  #written: Promise<void> = Promise.resolve();
  #waiting = 0;
  #isFailing = false;

  constructor(readonly log: Log) {}

  /**
   * Appends to that file from now on, made for this user alone where it is not there; "" is none. The one of before is closed when what
   * it is owed is written. Throws the system's error; all is as before then.
   */
  open(path: string): void {
    const file = path === "" ? null : Deno.openSync(path, { append: true, create: true, mode: 0o600 });
    const before = this.#file;
    this.#path = path;
    this.#file = file;
    this.#isFailing = false;
    if (before !== null) this.#written = this.#written.then(() => before.close());
  }

  write(line: string): void {
    const file = this.#file;
    if (file === null) return;
    if (this.#waiting + line.length > MAX_WAITING) return this.#failed(new Error("the disk is too slow"));
    this.#waiting += line.length;
    this.#written = this.#written.then(async () => {
      try {
        const bytes = encoder.encode(line);
        for (let sent = 0; sent < bytes.length;) sent += await file.write(bytes.subarray(sent));
        this.#isFailing = false;
      } catch (error) {
        this.#failed(error);
      }
      this.#waiting -= line.length;
    });
  }

  async close(): Promise<void> {
    this.open("");
    await this.#written;
  }

  /** Said once until a line is written again: each change stands in the log, too. */
  #failed(error: unknown): void {
    if (this.#isFailing) return;
    this.#isFailing = true;
    this.log.error("changes cannot be noted in the audit file; the log has them", {
      audit: this.#path,
      reason: systemReason(error, "file"),
    });
  }
}
