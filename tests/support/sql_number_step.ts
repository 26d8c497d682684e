import { assertEquals } from "@std/assert";
import { stringifyJson } from "../../src/exact_json.ts";
import { numberText, spelledNumber } from "../../src/exact_number.ts";
import type { JsonObject } from "../../src/plugin.ts";
import { numberRows, waysOf } from "./number_rows.ts";
import type { PluginOverrides } from "./test_server.ts";
import { SqlServer } from "./sql_server.ts";

const TABLE = new URL("../../docs/params.md", import.meta.url);
const HEADER = "| sent | a text | `bigint` | a decimal | a double | in JSON |";
/** The columns of the table in the document, as those of the table `numbers`. */
const COLUMNS = ["t", "w", "x", "d", "j"];

/** A database with the table `numbers`, of an own growing `id` and {@link COLUMNS}. */
export interface NumberTable {
  /** Its place among the values of a cell that has one for each database. */
  readonly place: 0 | 1 | 2;
  readonly config: JsonObject;
  readonly allowed: Partial<PluginOverrides>;
}

/** Runs the table in docs/params.md of what databases get, in all encodings. */
export async function sqlNumberStep(
  t: Deno.TestContext,
  { place, config, allowed }: NumberTable,
): Promise<void> {
  await t.step(
    "a number is in the database as it was sent, or is refused: the table in the document, in all encodings",
    async () => {
      await using sql = await SqlServer.start({
        ...config,
        tables: { numbers: COLUMNS },
        queries: Object.fromEntries(COLUMNS.map((name) => [
          name,
          `SELECT ${name} AS value FROM numbers WHERE ${name} IS NOT NULL ORDER BY id`,
        ])),
        wait: "100ms",
      }, allowed);
      const expectations = await readTable(place);
      const sent = (await numberRows()).flatMap((row) => waysOf(row).map((way) => ({ row, way })));
      for (const [at, name] of COLUMNS.entries()) {
        const path = name === "j" ? "row.j.n" : `row.${name}`;
        const codes = await Promise.all(sent.map(async ({ way }) => {
          const body = way.body(path, { table: "numbers" });
          return (await sql.client.call({ plugin: "sql", command: 1001, sync: true, body })).code;
        }));
        const { rows } = await sql.call(1003, { query: name }) as { rows: JsonObject[] };
        const values = rows.map(({ value }) =>
          name === "x" || name === "j" ? plain(name === "j" ? inJson(value) : String(value)) : String(value)
        );
        const found = sent.map(({ row, way }, index) => {
          const code = codes[index];
          const result = code === 1000
            ? values.shift()
            : code === 23 || code === 40
            ? "refused"
            : `code ${code}`;
          return `${row.sent} by ${way.name} in ${name}: ${result}`;
        });
        assertEquals(
          found,
          sent.map(({ row, way }) =>
            `${row.sent} by ${way.name} in ${name}: ${expectations.get(row.sent)?.[at]}`
          ),
        );
      }
    },
  );
}

/** The cells of each row of the document, by what is sent. */
async function readTable(place: number): Promise<Map<string, string[]>> {
  const lines = (await Deno.readTextFile(TABLE)).split("\n");
  const first = lines.findIndex((line) => line.startsWith(HEADER));
  if (first < 0) throw new Error(`docs/params.md has no table with ${HEADER}`);
  const rows = new Map<string, string[]>();
  for (let at = first + 2; lines[at]?.startsWith("|"); at++) {
    const [sent = "", ...cells] = lines[at]!.split("|").slice(1, -1).map((cell) =>
      cell.trim().replaceAll("`", "")
    );
    rows.set(sent, cells.map((cell) => cell.split("; ")[place] ?? cell));
  }
  return rows;
}

/** A number as the document writes it, which databases write with more zeros. */
function plain(text: string): string {
  const number = spelledNumber(text);
  return number === undefined ? text : numberText(number);
}

/** The `n` of a JSON column as it is written: some databases keep its text. */
function inJson(value: unknown): string {
  const text = typeof value === "string" ? value : stringifyJson(value) ?? "";
  return /^\{"n":\s*(.*)\}$/.exec(text)?.[1] ?? text;
}
