import { DatabaseError } from "./database.ts";

/** A database's file as it was when it was opened: the path may come to name another one, or none. */
export class SqliteFile {
  readonly #dev: number;
  readonly #ino: number | null;

  /** @throws DatabaseError where there is none: mevent makes none of a mistyped path */
  constructor(readonly path: string, readonly place: string) {
    const found = identityOf(path);
    if (found === null) {
      throw new DatabaseError(
        "unclear",
        `${place}: there is no such file; mevent makes none: \`sqlite3 ${path}\` does`,
      );
    }
    [this.#dev, this.#ino] = found;
  }

  /** Throws DatabaseError `lost` where what is written would not be found under the path. */
  check(): void {
    const found = identityOf(this.path);
    if (found === null) throw new DatabaseError("lost", `${this.place}: the file is gone`);
    if (found[0] === this.#dev && found[1] === this.#ino) return;
    throw new DatabaseError("lost", `${this.place}: the file was replaced by another one`);
  }
}

function identityOf(path: string): readonly [dev: number, ino: number | null] | null {
  try {
    const { dev, ino } = Deno.statSync(path);
    return [dev, ino];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return null;
    throw error;
  }
}
