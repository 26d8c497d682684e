import { assertEquals, assertMatch } from "@std/assert";
import { Catalogue } from "../../plugins/sql/catalogue.ts";
import { isFault } from "../../plugins/sql/database.ts";
import { Link } from "../../plugins/sql/link.ts";
import { readSettings } from "../../plugins/sql/settings.ts";
import { TimeLimit } from "../../plugins/sql/time_limit.ts";
import { Writer } from "../../plugins/sql/writer.ts";
import type { JsonObject } from "../../src/plugin.ts";
import { assertRefused, assertUnfit } from "./sql_server.ts";
import type { PluginOverrides } from "./test_server.ts";

const PATIENCE_MS = 60_000;

/** A database with the tables of {@link IDEMPOTENCY_TABLES}. */
export interface IdempotencyTables {
  readonly config: JsonObject;
  readonly allowed: Partial<PluginOverrides>;
  /** What an INSERT ends with that is to pass over what is there. */
  readonly unless: string;
}

export const IDEMPOTENCY_TABLES = [
  "CREATE TABLE orders (id int PRIMARY KEY, sum int, op varchar(80) UNIQUE)",
  "CREATE TABLE totals (op varchar(80) PRIMARY KEY, sum int)",
  "CREATE TABLE plain (op varchar(80), sum int)",
];

/** An operation that is run again writes nothing again, where the table has a column for its id. */
export async function sqlIdempotencySteps(
  t: Deno.TestContext,
  { config, allowed, unless }: IdempotencyTables,
): Promise<void> {
  await t.step(
    "what is written again for the same operation is there once; other keys' duplicates are refused",
    async () => {
      const settings = readSettings({
        ...config,
        tables: ["orders", "totals"],
        idempotency: { orders: "op", totals: "op" },
        statements: { total: `INSERT INTO totals (op, sum) VALUES (:mevent_id, :sum) ${unless}` },
        queries: {
          orders: "SELECT id, sum, op FROM orders ORDER BY id",
          totals: "SELECT op, sum FROM totals ORDER BY op",
        },
      });
      const link = new Link(settings.database, { lost() {}, reconnected() {} });
      const session = await link.open(() => Promise.resolve());
      const catalogue = await Catalogue.load(session, settings);
      const writer = new Writer(link, null, { committed() {}, retried() {}, refused() {} }, catalogue);
      using limit = new TimeLimit(Date.now() + PATIENCE_MS, new AbortController().signal);
      const read = async (query: string) => {
        const { statement, row } = catalogue.query(query, {}, { id: "" });
        return (await session.read(statement, row, 100)).rows;
      };
      const batch = () => [
        catalogue.insert("orders", [{ id: 1, sum: 5 }, { id: 2, sum: 6 }], { id: "first" }),
        catalogue.insert("orders", [{ id: 3, sum: 7 }], { id: "second" }),
        catalogue.insert("totals", [{ sum: 1 }], { id: "third" }),
        catalogue.execute("total", { sum: 2 }, { id: "fourth" }),
      ];
      const orders = [{ id: 1, sum: 5, op: "first" }, { id: 2, sum: 6, op: "first.1" }, {
        id: 3,
        sum: 7,
        op: "second",
      }];
      const totals = [{ op: "fourth", sum: 2 }, { op: "third", sum: 1 }];
      for (let attempt = 0; attempt < 3; attempt++) {
        assertEquals((await writer.write(batch(), limit)).slice(0, 3), [2, 1, 1]);
        assertEquals([await read("orders"), await read("totals")], [orders, totals]);
      }
      const outcomes = await writer.write([
        ...batch().slice(0, 2),
        catalogue.insert("orders", [{ id: 1, sum: 8 }], { id: "fifth" }),
        catalogue.insert("orders", [{ id: 4, sum: 9 }], { id: "sixth" }),
        catalogue.insert("orders", [{ id: 5, sum: 8 }, { id: 2, sum: 8 }], { id: "seventh" }),
      ], limit);
      assertEquals(outcomes.map((outcome) => isFault(outcome, "row") ? "refused" : outcome), [
        2,
        1,
        "refused",
        1,
        "refused",
      ]);
      // Of the key that is there twice, not of the other one.
      for (const at of [2, 4]) assertMatch(String(outcomes[at]), /primary|orders_pkey|orders\.id/i);
      assertEquals(await read("orders"), [...orders, { id: 4, sum: 9, op: "sixth" }]);
      await link.close();
    },
  );

  await t.step(
    "a column for the operation's id that is not unique, or that callers may write, is refused at the start",
    async () => {
      const refused = (wrong: JsonObject, sentence: string) => assertUnfit({ ...config, ...wrong }, sentence);
      await assertRefused(
        { ...config, tables: ["plain"], idempotency: { plain: "op" } },
        allowed,
        "it needs a UNIQUE index of its own",
      );
      await refused(
        { tables: ["plain"], idempotency: { plain: "nope" } },
        "table plain: column nope: there are op, sum",
      );
      await refused({ tables: ["plain"], idempotency: { orders: "op" } }, "which is not one of the tables");
      await refused(
        { tables: { orders: ["id", "op"] }, idempotency: { orders: "op" } },
        "which callers may write",
      );
    },
  );
}
