import type { Outcome } from "./mevent.ts";

/** A way to run mevent as a user does: a command and what goes before its arguments. */
export interface Program {
  readonly command: string;
  readonly args: readonly string[];
}

/** Somebody in a folder of its own who has mevent and nothing else. */
export class Author implements AsyncDisposable {
  private constructor(readonly program: Program, readonly folder: string) {}

  static async create(program: Program): Promise<Author> {
    return new Author(program, await Deno.realPath(await Deno.makeTempDir({ prefix: "mevent-author-" })));
  }

  /** Starts a command there. */
  spawn(...args: string[]): Deno.ChildProcess {
    return this.#command(args).spawn();
  }

  /** Runs one to its end. */
  async run(...args: string[]): Promise<Outcome> {
    const { code, stdout, stderr } = await this.#command(args).output();
    return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
  }

  async read(name: string): Promise<string> {
    return await Deno.readTextFile(`${this.folder}/${name}`);
  }

  async write(name: string, text: string): Promise<void> {
    await Deno.writeTextFile(`${this.folder}/${name}`, text);
  }

  /** Replaces a part of a file, which must be there. */
  async edit(name: string, before: string, after: string): Promise<void> {
    const text = await this.read(name);
    if (!text.includes(before)) throw new Error(`${name} has no ${before}:\n${text}`);
    await this.write(name, text.replace(before, after));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }

  #command(args: readonly string[]): Deno.Command {
    const { command, args: before } = this.program;
    // From source Deno looks for its cache.
    const env = command === Deno.execPath() ? Deno.env.toObject() : {};
    return new Deno.Command(command, {
      args: [...before, ...args],
      cwd: this.folder,
      clearEnv: true,
      env: { ...env, NO_COLOR: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    });
  }
}
