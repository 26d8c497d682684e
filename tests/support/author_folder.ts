/** A folder of its own, removed at the end. */
export class AuthorFolder implements AsyncDisposable {
  private constructor(readonly path: string) {}

  static async create(): Promise<AuthorFolder> {
    return new AuthorFolder(await Deno.realPath(await Deno.makeTempDir({ prefix: "mevent-authors-" })));
  }

  names(): string[] {
    return [...Deno.readDirSync(this.path)].map(({ name }) => name).sort();
  }

  async read(name: string): Promise<string> {
    return await Deno.readTextFile(`${this.path}/${name}`);
  }

  async write(name: string, text: string): Promise<void> {
    await Deno.writeTextFile(`${this.path}/${name}`, text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}
