import { join } from "node:path";
import { ChildProcess } from "../support/child_process.ts";

/** Batches of lines that curl sends, each from a file and over a connection of its own. */
export class BatchLoad implements AsyncDisposable {
  private constructor(readonly curl: string, readonly folder: string, readonly lines: number) {}

  /** Writes the file: so many operations of `echo`, `isAsync` those that are to be queued alone. */
  static async write(curl: string, lines: number, isAsync: boolean): Promise<BatchLoad> {
    const folder = await Deno.makeTempDir();
    using file = await Deno.create(join(folder, "lines"));
    const writer = file.writable.getWriter();
    const more = isAsync ? ',"async":true' : "";
    for (let id = 0; id < lines; id += 10_000) {
      const piece = Array.from(
        { length: Math.min(10_000, lines - id) },
        (_, n) =>
          `{"id":${id + n},"plugin":"echo","command":1001,"params":{"uid":${id + n},"name":"Ann"}${more}}\n`,
      );
      await writer.write(new TextEncoder().encode(piece.join("")));
    }
    writer.releaseLock();
    return new BatchLoad(curl, folder, lines);
  }

  /** Operations a second, of so many batches at once. Throws where a line is not answered. */
  async run(port: number, batches: number): Promise<number> {
    const start = performance.now();
    const children = Array.from({ length: batches }, (_, at) =>
      new ChildProcess(this.curl, [
        ...["--silent", "--show-error", "--fail", "--request", "POST", "--header", "Expect:"],
        ...["--header", "Content-Type: application/x-ndjson", "--upload-file", join(this.folder, "lines")],
        ...["--output", join(this.folder, `answers${at}`), `http://127.0.0.1:${port}/v1/batch`],
      ]));
    const codes = await Promise.all(children.map((child) => child.ended()));
    const seconds = (performance.now() - start) / 1000;
    if (codes.some((code) => code !== 0)) {
      throw new Error(`curl: ${children.map(({ stderr }) => stderr).join()}`);
    }
    for (let at = 0; at < batches; at++) await this.#check(join(this.folder, `answers${at}`));
    return batches * this.lines / seconds;
  }

  async #check(path: string): Promise<void> {
    const answers = (await Deno.readTextFile(path)).trimEnd().split("\n");
    const good = answers.filter((line) => line.includes('"code":1000,')).length;
    if (good !== this.lines) throw new Error(`${good} of ${this.lines} lines were answered with 1000`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}
