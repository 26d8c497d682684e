import { assert } from "@std/assert";
import fc from "fast-check";
import { stepOf } from "./steps.ts";
import { Town } from "./town.ts";

/** How many histories of either kind of queue: a look over them; `.ci/run` has 1,000. MEVENT_HISTORIES=20000 is a search of some 20 minutes. */
const HISTORIES = Number(Deno.env.get("MEVENT_HISTORIES") ?? 40);
/** So many of them are cut by ends of the server, each by up to three. */
const CUT = Math.ceil(HISTORIES / 50);
/** Chance is another each time; a failure says its seed. The server's own chance is in no seed. */
const SEED = Number(Deno.env.get("MEVENT_SEED") ?? Math.floor(Math.random() * 2 ** 31));
const IS_LINUX = Deno.build.os === "linux";
const KINDS = ["memory", "journal"] as const;

/** A counter-example is as it was met: to run parts of it again would be another history. */
function settings(numRuns: number, seed: number): fc.Parameters<unknown> {
  return { numRuns, seed, endOnFailure: true };
}

for (const kind of KINDS) {
  Deno.test({
    name:
      `${kind}: whatever is sent and steered, every operation has the fates that the rules allow, at every look`,
    ignore: !IS_LINUX,
    fn: async () => {
      await using town = await Town.start(kind);
      const each = Math.ceil((HISTORIES - CUT) / town.worlds.length);
      await Promise.all(town.worlds.map((world, index) =>
        fc.assert(
          fc.asyncProperty(
            fc.array(stepOf(1), { minLength: 3, maxLength: 12, size: "max" }),
            async (steps) => {
              await world.begin();
              for (const step of steps) {
                assert(await world.step(step), `the server died: ${town.server.said}`);
              }
              await world.finish();
            },
          ),
          settings(each, SEED + index),
        )
      ));
    },
  });

  Deno.test({
    name: `${kind}: the same where the server is killed or stopped amid it all, and started again`,
    ignore: !IS_LINUX,
    fn: async () => {
      await using town = await Town.start(kind);
      const steps = fc.array(stepOf(1), { minLength: 3, maxLength: 10, size: "max" });
      const life = fc.record({
        steps: fc.tuple(...town.worlds.map(() => steps)),
        end: fc.constantFrom("KILL" as const, "KILL" as const, "KILL" as const, "TERM" as const),
        afterMs: fc.integer({ min: 1, max: 150 }),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(life, { minLength: 1, maxLength: 3 }), steps, async (lives, last) => {
          for (const world of town.worlds) await world.begin();
          for (const { steps, end, afterMs } of lives) {
            const walks = town.worlds.map((world, index) => world.walk(steps[index]!));
            await town.endAndStart(end, afterMs, walks);
          }
          await Promise.all(town.worlds.map((world) => world.walk(last)));
          await Promise.all(town.worlds.map((world) => world.finish()));
        }),
        settings(Math.ceil(CUT / town.worlds.length), SEED),
      );
    },
  });
}
