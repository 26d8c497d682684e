import { DatabaseSync } from "node:sqlite";
import type { PluginOverrides } from "./test_server.ts";

const NONE = { net: false, env: false, run: false, sys: false, ffi: false, import: false };

/** A database file with some tables, and the one permission that the plugin needs. */
export class SqliteFile implements Disposable {
  readonly folder = Deno.makeTempDirSync({ prefix: "mevent_sqlite_" });
  readonly path = `${this.folder}/data.db`;
  readonly database = new DatabaseSync(this.path);

  constructor(...texts: string[]) {
    for (const text of texts) this.database.exec(text);
  }

  get url(): string {
    return `sqlite:${this.path}`;
  }

  get allowed(): Partial<PluginOverrides> {
    return { permissions: { ...NONE, read: [this.folder], write: [this.folder] } };
  }

  all(sql: string): unknown[] {
    return this.database.prepare(sql).all().map((row) => ({ ...row }));
  }

  [Symbol.dispose](): void {
    if (this.database.isOpen) this.database.close();
    Deno.removeSync(this.folder, { recursive: true });
  }
}
