import { assertEquals, assertStringIncludes } from "@std/assert";
import type { JsonObject } from "../../src/plugin.ts";
import type { DatabaseServer } from "./database_servers.ts";
import { onlyPort, SqlServer } from "./sql_server.ts";

/** What a row of the table `kinds` has in every database that is a server. */
export const KINDS = {
  id: 1,
  big: "9007199254740993",
  amount: "12345678901234.56789",
  ratio: 0.1,
  yes: true,
  words: "Ä€😀 '\" \\ ? :id {}",
  day: "2026-02-28",
  doc: { a: [1, null, "x"] },
  raw: "AAH/",
  mood: "good",
};

/** The table `kinds` of a database. */
export interface KindsTable {
  /** The SQL that makes it. */
  readonly create: readonly string[];
  /** A row that is written. */
  readonly row: JsonObject;
  /** What cannot be null, with a value: all else is null in the second row that is written, but for its `id`. */
  readonly notNull: JsonObject;
  /** What the two are to be read as; it gets what was read, and the second row. */
  readonly read: (rows: readonly JsonObject[], empty: JsonObject) => readonly JsonObject[];
  /** A column that the database alone writes. */
  readonly generated: string;
}

/** A value of each type comes back as it went. */
export async function sqlKindsStep(
  t: Deno.TestContext,
  database: DatabaseServer,
  { create, row, notNull, read, generated }: KindsTable,
): Promise<void> {
  await t.step("values of every type come back as they went", async () => {
    await database.run(...create);
    await using sql = await SqlServer.start({
      url: database.url,
      tables: ["kinds"],
      queries: { all: "SELECT * FROM kinds ORDER BY id" },
    }, onlyPort(database.port));
    const nulls = Object.fromEntries(Object.keys(row).map((name) => [name, null]));
    const empty = { ...nulls, ...notNull, id: 2 };
    assertEquals(await sql.call(1001, { table: "kinds", rows: [row, empty] }), { rows: 2 });
    const { rows, more } = await sql.call(1003, { query: "all" }) as { rows: JsonObject[]; more: boolean };
    assertEquals(rows, [...read(rows, empty)]);
    assertEquals(more, false);
    const told = await sql.call(1001, { table: "kinds", row: { id: 3, [generated]: 1 } });
    assertStringIncludes(JSON.stringify(told), `column \\"${generated}\\" of kinds may not be written`);
  });
}
