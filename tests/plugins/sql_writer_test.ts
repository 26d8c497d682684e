import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Change, Outcome } from "../../plugins/sql/change.ts";
import { type Database, DatabaseError, isFault, type Row, type Session } from "../../plugins/sql/database.ts";
import { Link } from "../../plugins/sql/link.ts";
import { SQLITE } from "../../plugins/sql/sqlite.ts";
import { insertStatement } from "../../plugins/sql/statement.ts";
import { Suspects } from "../../plugins/sql/suspects.ts";
import { TimeLimit } from "../../plugins/sql/time_limit.ts";
import { OutOfTime, Writer } from "../../plugins/sql/writer.ts";

const STATEMENT = insertStatement("table a", "a", ["b"]);
const change = (text: string): Change => ({ statement: STATEMENT, rows: [[text]], id: text });
const limitOf = (ms: number) => new TimeLimit(Date.now() + ms, new AbortController().signal);
const lost = (message: string) => new DatabaseError("lost", message);

/** A database that never ends with a row `slow`, and ends the connection for a row `ends`. */
class Memory implements Database {
  readonly place = "here";
  readonly dialect = SQLITE;
  readonly committed: string[] = [];
  /** The rows of each INSERT in which there was a `slow` one. */
  readonly stuck: number[] = [];
  opened = 0;

  requireGrants(): void {}

  open(): Promise<Session> {
    this.opened++;
    let written: string[] = [];
    const { promise: ended, reject } = Promise.withResolvers<never>();
    ended.catch(() => {});
    const done = () => Promise.resolve();
    const run = async (_: unknown, rows: readonly Row[]) => {
      const texts = rows.map(([text]) => String(text));
      if (texts.includes("ends")) throw lost("57P01");
      if (texts.includes("slow")) {
        this.stuck.push(rows.length);
        await ended;
      }
      written.push(...texts);
      return rows.length;
    };
    const end = (keep: boolean) => {
      if (keep) this.committed.push(...written);
      written = [];
      return done();
    };
    return Promise.resolve({
      begin: done,
      savepoint: done,
      run,
      commit: () => end(true),
      rollback: () => end(false),
      destroy: () => reject(lost("the connection was ended")),
    } as unknown as Session);
  }
}

function writerOf(database: Database): Writer {
  const link = new Link(database, { lost() {}, reconnected() {} });
  const events = { committed() {}, retried() {}, refused() {} };
  return new Writer(link, null, events, { confirm: () => Promise.resolve() });
}

Deno.test("rows whose batch ran out of time come in halves: all are written once, and the slow one waits alone", async () => {
  const database = new Memory();
  const writer = writerOf(database);
  const wanted = Array.from({ length: 16 }, (_, index) => index === 5 ? "slow" : `row ${index}`);
  let left = wanted.map(change);
  for (let round = 0; round < 100 && database.stuck.at(-1) !== 1; round++) {
    using limit = limitOf(60);
    const outcomes = await writer.write(left, limit);
    left = left.filter((_, index) => typeof outcomes[index] !== "number");
  }
  assertEquals(database.stuck.slice(0, 1), [16]);
  for (let round = 0; round < 100 && left.length > 1; round++) {
    using limit = limitOf(1000);
    const outcomes = await writer.write([change("slow"), ...left.filter(({ id }) => id !== "slow")], limit);
    left = left.filter(({ id }, index) => id === "slow" || typeof outcomes[index] !== "number");
  }
  assertEquals(left.map(({ id }) => id), ["slow"]);
  // Whoever comes new does not wait for it, and it says how often it was tried.
  const places = database.committed.length;
  let outcome: Outcome | undefined;
  for (let round = 0; round < 100 && database.committed.length === places; round++) {
    using limit = limitOf(100);
    [outcome] = await writer.write([...left, change("new")], limit);
  }
  assert(outcome instanceof OutOfTime && outcome.tries > 1);
  assertEquals(
    database.committed.toSorted(),
    [...wanted.filter((text) => text !== "slow"), "new"].toSorted(),
  );
});

Deno.test("a row that ends its connection each time is refused, and the others are written, with few connections made", async () => {
  const database = new Memory();
  const writer = writerOf(database);
  using limit = limitOf(60_000);
  const first = await writer.write(["a", "b", "ends", "c"].map(change), limit);
  assertEquals(first.map((outcome) => typeof outcome), ["number", "number", "object", "number"]);
  assert(isFault(first[2], "unclear"));
  assertStringIncludes(first[2].message, "the connection was lost 3 times in the middle of it: 57P01");
  const before = database.opened;
  const second = await writer.write(["ends", "d"].map(change), limit);
  assertEquals([isFault(second[0], "unclear"), second[1]], [true, 1]);
  // It was alone from the start.
  assertEquals(database.opened - before, 3);
  const [third] = await writer.write([change("ends")], limit);
  assert(isFault(third, "row"), String(third));
  assertEquals(database.committed.toSorted(), ["a", "b", "c", "d"]);
});

Deno.test("those that may hold up others come after them, in ever smaller groups, until they are written", () => {
  const suspects = new Suspects();
  const changes = ["a", "b", "c", "d", "e", "f"].map(change);
  assertEquals(suspects.groupsOf(changes), null);
  suspects.ranOutOfTime(changes.slice(0, 4));
  assertEquals(suspects.groupsOf(changes), [[4, 5], [0, 1], [2, 3]]);
  suspects.ranOutOfTime(changes.slice(0, 2));
  assertEquals(suspects.groupsOf(changes), [[4, 5], [2, 3], [0], [1]]);
  suspects.judge(changes.slice(1), [1, 1, 1, 1, 1]);
  assertEquals(suspects.groupsOf(changes), [[1, 2, 3, 4, 5], [0]]);
  assertEquals([suspects.ranOutOfTime([change("a")]), suspects.ranOutOfTime([change("a")])], [1, 2]);
  for (let count = 0; count < 10_001; count++) suspects.holdsUp(change(`row ${count}`));
  // The oldest is forgotten: memory has a bound.
  assertEquals(suspects.groupsOf([change("a"), change("row 1"), change("row 2")]), [[0], [1], [2]]);
});

Deno.test("one that fails alone, time after time, is refused with its code; where others of its statement fail, too, none is", () => {
  const unclear = () =>
    new DatabaseError("unclear", "gone", { cause: Object.assign(new Error(), { code: "42P01" }) });
  const judged = (suspects: Suspects, ...texts: string[]) => {
    const outcomes = texts.map(() => unclear());
    suspects.judge(texts.map(change), outcomes);
    return outcomes;
  };
  const suspects = new Suspects();
  let outcome: DatabaseError | undefined;
  let tries = 0;
  while (outcome?.fault !== "row" && tries < 1000) {
    [outcome] = judged(suspects, "a");
    tries++;
  }
  assertEquals(tries, 60);
  assertStringIncludes(String(outcome?.message), "gone (code 42P01): it has failed 60 times");
  for (tries = 0; tries < 200; tries++) {
    assertEquals(judged(suspects, "b", "c").map(({ fault }) => fault), ["unclear", "unclear"]);
  }
});
