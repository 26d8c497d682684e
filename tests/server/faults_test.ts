import { assertEquals, assertGreater, assertStringIncludes } from "@std/assert";
import { missing } from "../../bench/faults/accounts.ts";
import { FAULTY, SURROUNDINGS } from "../../bench/faults/faulty_server.ts";
import { Generation } from "../../bench/faults/generation.ts";
import { Random } from "../../bench/fuzz/random.ts";
import { loadLibc } from "../../src/net/libc.ts";
import { TestServer } from "../support/test_server.ts";
import { thorough } from "../support/thorough.ts";

const ROUNDS = thorough(8, 4);
/** A measure of the undisturbed callers needs more. */
const CALM_ROUNDS = thorough(3, 2);

for (const surroundings of ["none", "few descriptors"] as const) {
  Deno.test({
    name:
      `every accepted operation is accounted for while plugins and clients fail; surroundings: ${surroundings}`,
    ignore: Deno.build.os !== "linux",
    fn: async () => {
      const library = loadLibc()!;
      try {
        const generation = new Generation(
          undefined,
          library.symbols,
          new Random(SURROUNDINGS.indexOf(surroundings)),
        );
        const result = await generation.run(ROUNDS, surroundings, CALM_ROUNDS);
        assertEquals(result.failure, undefined);
        assertEquals(result.rounds, ROUNDS);
        assertEquals([...result.faults.values()].reduce((sum, { rounds }) => sum + rounds, 0), ROUNDS);
        assertGreater(result.accepted, FAULTY.length);
        assertGreater(result.calm.count, 0);
      } finally {
        library.close();
      }
    },
  });
}

Deno.test("an operation that is neither held nor ended is missed", async () => {
  await using server = await TestServer.start();
  const stats = server.stats();
  assertEquals(missing(stats), undefined);
  stats.plugins[0]!.accepted++;
  assertStringIncludes(missing(stats) ?? "", "has accepted 1 operations and accounts for 0");
});
