/**
 * Kills a real server with a journal under load, again and again at random moments, and starts it on what it has left: no
 * acknowledged operation may be missing, none may run again after its end was on the disk. Exit code 1 where one is or does.
 *
 *     ./denow task crash --rounds 200
 *     ./denow task crash --rounds 20 --loses unsynced
 *
 * @module
 */
import { runCrashes } from "./crash/campaign.ts";
import { Random } from "./fuzz/random.ts";
import { benchArgs, refuse } from "./support/args.ts";

const USAGE = `Usage: ./denow task crash [options]
  --rounds N      how often it is killed (200)
  --loses WHAT    what the file system forgets at a kill: nothing; unsynced: all that no fdatasync has covered; part:
                  any sectors of that (nothing)
  --clock HOW     runs, or jumps: it is set on and back between the lives of the server (runs)
  --seed S        the load and the moments of that seed; chosen and printed where none is given
  --mevent FILE   an executable instead of the source
`;
const LOSES = ["nothing", "unsynced", "part"] as const;
const CLOCKS = ["runs", "jumps"] as const;

const args = benchArgs(USAGE, ["rounds", "loses", "clock", "seed", "mevent"] as const);
const [rounds, seed] = [
  args.number("rounds", 200),
  args.number("seed", crypto.getRandomValues(new Uint32Array(1))[0]!),
];
const asked = args.text("loses") ?? "nothing";
const loses = LOSES.find((each) => each === asked) ?? refuse(USAGE, `--loses is one of ${LOSES.join(", ")}`);
const how = args.text("clock") ?? "runs";
const clock = CLOCKS.find((each) => each === how) ?? refuse(USAGE, `--clock is one of ${CLOCKS.join(", ")}`);

console.log(`seed ${seed}`);
const { failure, ...figures } = await runCrashes({
  mevent: args.text("mevent"),
  rounds,
  random: new Random(seed),
  loses,
  clock,
  told: (line) => console.log(line),
});
console.log(
  `${figures.rounds} crashes, ${figures.acknowledged} operations acknowledged, ${figures.runs} ran; the file system forgot ` +
    `${figures.forgottenBytes} bytes and ${figures.forgottenNames} names`,
);
if (failure !== undefined) {
  console.log(`FAILED: ${failure}`);
  Deno.exitCode = 1;
}
