import { assertEquals, assertRejects } from "@std/assert";
import { type Database, DatabaseError, type Session } from "../../plugins/sql/database.ts";
import { Link } from "../../plugins/sql/link.ts";
import { SQLITE } from "../../plugins/sql/sqlite.ts";
import { TimeLimit } from "../../plugins/sql/time_limit.ts";

Deno.test("who waited for its turn until its time was over does not get the connection, which stays whole", async () => {
  let destroyed = 0;
  const session = { destroy: () => destroyed++ } as unknown as Session;
  const database: Database = {
    place: "here",
    dialect: SQLITE,
    requireGrants() {},
    open: () => Promise.resolve(session),
  };
  const lost: string[] = [];
  const link = new Link(database, { lost: (why) => lost.push(why), reconnected: () => {} });
  await link.open(() => Promise.resolve());
  using over = new TimeLimit(Date.now() - 1, new AbortController().signal);
  const error = await assertRejects(
    () => link.session(over),
    DatabaseError,
    "the time was over before it began",
  );
  assertEquals([error.fault, destroyed, lost, link.current === session], ["lost", 0, [], true]);
  using limit = new TimeLimit(Date.now() + 60_000, new AbortController().signal);
  assertEquals(await link.session(limit), session);
});
