import { DatabaseError } from "./database.ts";

/** SQLite's smallest page: a file that is shorter holds no table. */
const LEAST_BYTES = 512;

/** A database's file as it was when it was opened: the path may come to name another one, or none. */
export class SqliteFile {
  readonly #dev: number;
  readonly #ino: number | null;
  /** The log beside the file, which a link does not move. */
  readonly #log: string;
  readonly #wasEmpty: boolean;
  /** The log as it was first seen; while the file is open, SQLite neither removes it nor makes another. */
  #logIno: number | null | undefined;

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
    this.#wasEmpty = found[2] < LEAST_BYTES;
    this.#log = `${granted(() => Deno.realPathSync(path)) ?? path}-wal`;
  }

  /** Throws DatabaseError `lost` where what is written would not be found under the path. */
  check(): void {
    const found = identityOf(this.path);
    if (found === null) throw new DatabaseError("lost", `${this.place}: the file is gone`);
    if (found[0] !== this.#dev || found[1] !== this.#ino) {
      throw new DatabaseError("lost", `${this.place}: the file was replaced by another one`);
    }
    if (found[2] < LEAST_BYTES && !this.#wasEmpty) {
      throw new DatabaseError("lost", `${this.place}: the file was emptied`);
    }
    const log = granted(() => identityOf(this.#log));
    this.#logIno ??= log?.[1];
    if (this.#logIno === undefined || this.#logIno === log?.[1]) return;
    throw new DatabaseError("lost", `${this.place}: the log beside it was removed or replaced`);
  }
}

/** Undefined where the permissions do not go so far: a link may lead out of them. */
function granted<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) return undefined;
    throw error;
  }
}

function identityOf(path: string): readonly [dev: number, ino: number | null, bytes: number] | null {
  try {
    const { dev, ino, size } = Deno.statSync(path);
    return [dev, ino, size];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return null;
    throw error;
  }
}
