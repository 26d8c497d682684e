import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { Buffer } from "node:buffer";
import type { Change, Outcome } from "../../plugins/sql/change.ts";
import { DatabaseError, Decimal, type Row, ValueError } from "../../plugins/sql/database.ts";
import { utcText, withoutZone } from "../../plugins/sql/instants.ts";
import { faultOf as mysqlFault } from "../../plugins/sql/mysql_fault.ts";
import { Params } from "../../plugins/sql/mysql_params.ts";
import { mysqlValue } from "../../plugins/sql/mysql_values.ts";
import { paramTargets } from "../../plugins/sql/param_targets.ts";
import { fitting } from "../../plugins/sql/portions.ts";
import { arrayText } from "../../plugins/sql/postgres_bulk.ts";
import { faultOf as postgresFault } from "../../plugins/sql/postgres_fault.ts";
import { SQLITE } from "../../plugins/sql/sqlite.ts";
import { sqliteKind } from "../../plugins/sql/sqlite_values.ts";
import { parseStatement } from "../../plugins/sql/statement.ts";
import { Suspects } from "../../plugins/sql/suspects.ts";
import { distinct } from "../../plugins/sql/values.ts";
import { parseJson } from "../../src/exact_json.ts";

Deno.test("a time with an offset is the same instant in UTC, with all its digits; another text stays what it is", () => {
  const cases: [string, string][] = [
    ["2026-07-01T12:00:00+02:00", "2026-07-01 10:00:00"],
    ["2026-07-01 12:00:00.123456+0530", "2026-07-01 06:30:00.123456"],
    ["2026-01-01T00:30:00+01", "2025-12-31 23:30:00"],
    ["2024-02-28T23:59:59-00:01", "2024-02-29 00:00:59"],
    ["2026-07-01T12:00Z", "2026-07-01 12:00:00"],
    ["2026-07-01 12:00:00 UTC", "2026-07-01 12:00:00"],
    ["2026-06-30T23:59:60z", "2026-06-30 23:59:60"],
    ...[
      "2026-07-01",
      "2026-07-01 12:00:00",
      "infinity",
      "now",
      "",
      "12:00",
      "2026-07-01 12:00 PM",
      "44-03-15 12:00:00 BC",
    ].map(
      (text): [string, string] => [text, text],
    ),
  ];
  for (const [text, written] of cases) assertEquals(utcText(text, " "), written);
  const refused = [
    "2026-07-01 12:00:00 Europe/Berlin",
    "2026-07-01T12:00:00 CEST",
    "2026-02-30T12:00:00+02:00",
    "0001-01-01T00:00:00+01:00",
  ];
  for (const text of refused) assertThrows(() => utcText(text, " "), ValueError);
  for (const text of ["2026-07-01T12:00:00Z", "12:00:00+02", "12:00 CET"]) {
    assertThrows(() => withoutZone(text), ValueError);
  }
  for (const text of ["2026-07-01", "12:00:00", "2026-07-01 12:00:00", "[2026-07-01,2026-08-01)"]) {
    assertEquals(withoutZone(text), text);
  }
  fc.assert(fc.property(
    fc.date({ min: new Date("1000-01-02"), max: new Date("9999-12-30"), noInvalidDate: true }),
    fc.integer({ min: -840, max: 840 }),
    (date, offset) => {
      const local = new Date(date.getTime() + offset * 60_000).toISOString().slice(0, 19);
      const minutes = Math.abs(offset);
      const pad = (value: number) => String(value).padStart(2, "0");
      const text = `${local}${offset < 0 ? "-" : "+"}${pad(Math.floor(minutes / 60))}:${pad(minutes % 60)}`;
      assertEquals(utcText(text, "T"), date.toISOString().slice(0, 19));
    },
  ));
});

Deno.test("a number for MariaDB is of the type that holds it: whole, double, decimal, or its text", () => {
  const cases: [string, unknown][] = [
    ["7", 7n],
    ["-0", 0n],
    ["1000000000000000", 1000000000000000n],
    ["9223372036854775807", 2n ** 63n - 1n],
    ["18446744073709551615", new Decimal("18446744073709551615")],
    ["1e21", new Decimal("1000000000000000000000")],
    ["0.1", 0.1],
    ["1.5e-7", 1.5e-7],
    ["0.30000000000000004", new Decimal("0.30000000000000004")],
    ["0.1234567890123456789", new Decimal("0.1234567890123456789")],
    ["1234567890123456.5", new Decimal("1234567890123456.5")],
    [`0.${"1".repeat(31)}`, `0.${"1".repeat(31)}`],
    ["9".repeat(66), "9".repeat(66)],
    ["1e300", 1e300],
    ["1e400", "1e+400"],
    ["true", 1n],
  ];
  for (const [text, value] of cases) {
    assertEquals<unknown>(mysqlValue(parseJson(text), undefined), value, text);
  }
});

Deno.test("params of MariaDB have the bytes that the protocol wants, of every length", () => {
  const buffer = Buffer.alloc(20 * 1024 * 1024);
  const texts = [0, 1, 64, 65, 250, 251, 65_535, 65_536, 16_777_215, 16_777_216].map((length) =>
    "x".repeat(length)
  );
  for (const text of texts) {
    const [param] = Params.fromValues([text]).map<
      { length: number; value: unknown; writer(value: unknown): void }
    >();
    const packet = { buffer, offset: 3 };
    param!.writer.call(packet, param!.value);
    assertEquals(packet.offset - 3, param!.length);
    const [first = 0] = buffer.subarray(3);
    const bytes = first < 251 ? 0 : [2, 3, 8][first - 0xfc]!;
    const length = bytes === 0 ? first : buffer.readUIntLE(4, Math.min(bytes, 6));
    assertEquals(length, text.length);
    assertEquals(3 + 1 + bytes + length, packet.offset);
  }
  const types = Params.fromValues([null, 1.5, -2n, new Decimal("0.1"), new Uint8Array([1]), "é"])
    .map<{ type: number; length: number }>().map(({ type, length }) => [type, length]);
  assertEquals(types, [[6, 0], [5, 8], [8, 8], [246, 4], [253, 2], [253, 3]]);
});

Deno.test("a short text and a whole number for MariaDB are the bytes that they are at length", () => {
  const written = (value: string | bigint) => {
    const [param] = Params.fromValues([value])
      .map<{ length: number; value: unknown; writer(value: unknown): void }>();
    const packet = { buffer: Buffer.alloc(param!.length), offset: 0 };
    param!.writer.call(packet, param!.value);
    assertEquals(packet.offset, param!.length);
    return packet.buffer;
  };
  fc.assert(fc.property(fc.string({ unit: "grapheme", maxLength: 80 }), (text) => {
    const bytes = Buffer.from(text);
    if (bytes.length < 251) assertEquals(written(text), Buffer.from([bytes.length, ...bytes]));
  }));
  fc.assert(fc.property(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), fc.nat(63), (whole, bits) => {
    for (const value of [whole, whole >> BigInt(bits)]) {
      const bytes = Buffer.alloc(8);
      bytes.writeBigInt64LE(value);
      assertEquals(written(value), bytes);
    }
  }));
});

Deno.test("many values of a column of PostgreSQL are the text of an array, whatever is in them", () => {
  const rows = [["1"], [null], ["NULL"], [""], ['say "{no}"'], ["C:\\temp\\"], ["a,b\nc"]];
  assertEquals(
    arrayText(rows, 0),
    '{"1",NULL,"NULL","","say \\"{no}\\"","C:\\\\temp\\\\","a,b\nc"}',
  );
});

Deno.test("rows go together by their bytes in UTF-8, and one that the server would not take is named with its size", () => {
  const bounds = { rows: 10, bytes: 1000, rowBytes: 2000, rowBound: "max_allowed_packet" };
  const rows = (...texts: string[]): Row[] => texts.map((text) => [text]);
  assertEquals(fitting(rows(...Array<string>(20).fill("x")), 0, bounds), 10);
  assertEquals(fitting(rows("汉".repeat(200), "汉".repeat(200)), 0, bounds), 1);
  assertEquals(fitting(rows("x".repeat(200), "x".repeat(200)), 0, bounds), 2);
  assertEquals(fitting(rows("x".repeat(1500), "x"), 0, bounds), 1);
  const error = assertThrows(
    () => fitting(rows("汉".repeat(700)), 0, bounds),
    DatabaseError,
    "it has 2112 bytes",
  );
  assertEquals(error.fault, "row");
});

Deno.test("whose fault an error is, its code says by its class, in any language", () => {
  const postgres: [string, string][] = [
    ...["22003", "23505", "P0001", "21000", "44000", "AB123", "08P01"].map((
      code,
    ): [string, string] => [code, "row"]),
    ...["40001", "40P01", "55P03", "57014"].map((code): [string, string] => [code, "conflict"]),
    ...["08006", "57P01", "57P03", "25006", "26000"].map((code): [string, string] => [code, "lost"]),
    ...["53100", "53200", "58030", "55000", "57000", "HV000", "F0000"].map((
      code,
    ): [string, string] => [code, "server"]),
    ...["42P01", "42501", "0A000", "54000", "3F000", "XX000", "28P01", "34000"].map((
      code,
    ): [string, string] => [code, "unclear"]),
  ];
  const told = (error: unknown) => (error as DatabaseError).fault;
  for (const [code, fault] of postgres) {
    const error = Object.assign(new Error("doppelter Schlüsselwert"), { code, severity: "FEHLER" });
    assertEquals(told(postgresFault(error, "here")), fault, code);
  }
  const policy = Object.assign(new Error("x"), {
    code: "42501",
    severity: "ERROR",
    routine: "ExecWithCheckOptions",
  });
  assertEquals(told(postgresFault(policy, "here")), "row");
  const pooler = Object.assign(new Error("x"), { code: "08P01", severity: "FATAL" });
  assertEquals(told(postgresFault(pooler, "here")), "lost");
  assertEquals(told(postgresFault(new Error("Connection terminated"), "here")), "lost");
  const mysql: [number, string, string][] = [
    ...[1062, 1406, 1452, 4025].map((errno): [number, string, string] => [errno, "23000", "row"]),
    ...[1264, 1366, 3819, 3140].map((errno): [number, string, string] => [errno, "HY000", "row"]),
    [1644, "45000", "row"],
    [30_001, "45000", "row"],
    [1213, "40001", "conflict"],
    [1205, "HY000", "conflict"],
    ...[1047, 1040, 1053, 1290].map((errno): [number, string, string] => [errno, "HY000", "lost"]),
    ...[1021, 1114, 1038].map((errno): [number, string, string] => [errno, "HY000", "server"]),
    ...[1105, 1146, 1142, 3999, 1296].map((errno): [number, string, string] => [errno, "HY000", "unclear"]),
    [4999, "08S01", "lost"],
  ];
  for (const [errno, sqlState, fault] of mysql) {
    assertEquals(
      told(mysqlFault(Object.assign(new Error("x"), { errno, sqlState }), "here")),
      fault,
      String(errno),
    );
  }
  assertEquals(
    told(mysqlFault(Object.assign(new Error("x"), { code: "ECONNRESET", errno: -104 }), "here")),
    "lost",
  );
});

Deno.test("what may be either's fault is the row's when it fails again while others of its statement were written", () => {
  const grammar = { name: "sqlite", quote: '"' } as const;
  const statement = parseStatement("statement a", "INSERT INTO a VALUES (:b)", grammar, ["INSERT"]);
  const other = parseStatement("statement b", "INSERT INTO b VALUES (:b)", grammar, ["INSERT"]);
  const change = (id: string, own = statement): Change => ({ statement: own, rows: [], id });
  const unclear = () => new DatabaseError("unclear", "not now");
  const judged = (suspects: Suspects, ...entries: [Change, Outcome][]) => {
    const outcomes = entries.map(([, outcome]) => outcome);
    suspects.judge(entries.map(([one]) => one), outcomes);
    return outcomes.map((outcome) => outcome instanceof DatabaseError ? outcome.fault : outcome);
  };
  const suspects = new Suspects();
  // The same batch tells nothing: the database may have failed in the middle of it.
  assertEquals(judged(suspects, [change("1"), unclear()], [change("2"), 1]), ["unclear", 1]);
  assertEquals(judged(suspects, [change("1"), unclear()], [change("3", other), 1]), ["unclear", 1]);
  assertEquals(judged(suspects, [change("4"), 1]), [1]);
  assertEquals(judged(suspects, [change("1"), unclear()], [change("5"), unclear()]), ["row", "unclear"]);
  assertEquals(judged(suspects, [change("5"), 1]), [1]);
  assertEquals(judged(suspects, [change("5"), unclear()]), ["unclear"]);
});

Deno.test("columns of one name get names of their own, and none takes another's", () => {
  assertEquals(distinct(["id", "id", "name", "id"]), ["id", "id:1", "name", "id:2"]);
  assertEquals(distinct(["id", "id:1", "id"]), ["id", "id:1", "id:2"]);
  fc.assert(fc.property(fc.array(fc.constantFrom("a", "a:1", "a:2", "b", "")), (names) => {
    const own = distinct(names);
    assertEquals(new Set(own).size, names.length);
    assert(own.every((name, index) => name === names[index] || name.startsWith(`${names[index]}:`)));
  }));
});

Deno.test("the columns that params go into are found where they stand alone", () => {
  const found = (sql: string) => {
    const targets = paramTargets(sql, SQLITE.grammar);
    return targets === null ? null : [targets.table.join("."), Object.fromEntries(targets.columns)];
  };
  const cases: [string, unknown][] = [
    ["INSERT INTO a (b, c) VALUES (:x, :y)", ["a", { x: ["b"], y: ["c"] }]],
    ['INSERT OR IGNORE INTO main."a b" ([b c], `d`) VALUES (:x, upper(:y)), (1, :z);', ["main.a b", {
      x: ["b c"],
      z: ["d"],
    }]],
    ["INSERT INTO a (b, c) VALUES ((1), coalesce(:x, :y)) ON CONFLICT (b) DO UPDATE SET c = :z", ["a", {
      z: ["c"],
    }]],
    ["UPDATE OR FAIL a SET b = :x, c = :y + 1, d = (:z), e = :w WHERE f = :v", ["a", { x: ["b"], w: ["e"] }]],
    ["UPDATE a SET b = :x, c = :x WHERE d > :x", ["a", {}]],
    ["UPDATE a SET b = :x, c = :x", ["a", { x: ["b", "c"] }]],
    ["INSERT INTO a SELECT :x", ["a", {}]],
    ["DELETE FROM a WHERE b = :x", null],
  ];
  for (const [sql, expected] of cases) assertEquals(found(sql), expected, sql);
  const kinds = [
    "BIGINT",
    "VARCHAR(9)",
    "blob",
    "DOUBLE PRECISION",
    "FLOATING POINT",
    "DECIMAL(9,2)",
    "",
    "STRING",
  ].map(sqliteKind);
  assertEquals(kinds, ["exact", "text", "bytes", "double", "exact", "exact", "other", "exact"]);
});
