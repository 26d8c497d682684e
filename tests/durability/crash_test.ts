import { assertEquals, assertGreater, assertStringIncludes } from "@std/assert";
import { type CampaignOptions, runCrashes } from "../../bench/crash/campaign.ts";
import { Random } from "../../bench/fuzz/random.ts";
import { thorough } from "../support/thorough.ts";
import { CC_NOTE, HAS_CC } from "./has_cc.ts";

/** A look at each; the instrument, `./denow task crash`, takes 200 and 20 rounds. */
const ROUNDS = thorough(3, 1);
const SEED = Number(Deno.env.get("MEVENT_SEED") ?? Math.floor(Math.random() * 2 ** 31));

async function crash(loses: CampaignOptions["loses"], clock: CampaignOptions["clock"] = "runs") {
  const random = new Random(SEED);
  const result = await runCrashes({ mevent: undefined, rounds: ROUNDS, random, loses, clock: clock! });
  assertEquals(result.failure, undefined, `seed ${SEED}`);
  assertEquals(result.rounds, ROUNDS);
  assertGreater(result.acknowledged, 0);
  return result;
}

Deno.test({
  name:
    "killed at random moments, a server with a journal has lost nothing that it acknowledged, and runs nothing twice whose end was on the disk",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await crash("nothing");
  },
});

Deno.test({
  name:
    `the same where the file system forgets what was not synced, as in a power cut, or any sectors of that, and the clock is set on or back meanwhile${CC_NOTE}`,
  ignore: !HAS_CC,
  fn: async () => {
    for (const loses of ["unsynced", "part"] as const) {
      const { forgottenBytes } = await crash(loses, loses === "part" ? "runs" : "jumps");
      // Where it never forgets a thing, it proves nothing; a few kills may find all synced.
      if (ROUNDS >= 10) assertGreater(forgottenBytes, 0);
    }
  },
});

Deno.test({
  name: "a queue in memory does not stand that",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const random = new Random(SEED);
    const { failure } = await runCrashes({
      mevent: undefined,
      rounds: 3,
      random,
      durability: "memory",
      loses: "nothing",
    });
    assertStringIncludes(failure ?? "", "is lost");
  },
});
