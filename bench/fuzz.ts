/**
 * Floods a real server with spoiled messages over TCP, UDP and a Unix socket, while good clients beside it check every
 * reply of theirs. Exit code 1 where the server dies, fails a good client, logs an error of its own or grows.
 *
 *     ./denow task fuzz --seconds 60 --seed 7
 *
 * @module
 */
import { benchArgs } from "./support/args.ts";
import { type CampaignResult, runCampaign } from "./fuzz/campaign.ts";
import { startFuzzServer } from "./fuzz/fuzz_server.ts";
import { parseSent, sentAsText } from "./fuzz/recorder.ts";
import { replay } from "./fuzz/replay.ts";

const USAGE = `Usage: ./denow task fuzz [options]
  --seconds N     how long (60)
  --messages N    ends earlier, after so many messages that the server has read
  --seed S        repeats what that seed sent; chosen and printed where none is given
  --mevent FILE   an executable instead of the source
  --replay FILE   sends again what a failure has written, instead of anything new
  --out FILE      where a failure writes the last messages (fuzz-SEED.txt)
`;
const FLAGS = ["seconds", "messages", "seed", "mevent", "replay", "out"] as const;

const args = benchArgs(USAGE, FLAGS);
const [seconds, messages, seed] = [
  args.number("seconds", 60),
  args.number("messages", Infinity),
  args.number("seed", crypto.getRandomValues(new Uint32Array(1))[0]!),
];

await using server = await startFuzzServer(args.text("mevent"));
const record = args.text("replay");
if (record !== undefined) {
  const sent = parseSent(await Deno.readTextFile(record));
  const failure = await replay(server, sent);
  console.log(
    failure === undefined ? `${sent.length} writes replayed, nothing failed` : `FAILED: ${failure}`,
  );
  Deno.exitCode = failure === undefined ? 0 : 1;
} else {
  console.log(`seed ${seed}`);
  const result = await runCampaign(server, { seed, durationMs: seconds * 1000, messages });
  console.log(report(result));
  if (result.failure !== undefined) {
    const file = args.text("out") ?? `fuzz-${seed}.txt`;
    await Deno.writeTextFile(file, sentAsText(result.sent));
    console.log(`FAILED: ${result.failure}\nThe last messages: --replay ${file}`);
    Deno.exitCode = 1;
  }
}

function report(result: CampaignResult): string {
  const {
    sentMessages,
    messages,
    datagrams,
    replies,
    connections,
    seconds,
    good,
    residentBefore,
    residentAfter,
  } = result;
  const mib = (bytes: number) => (bytes / 2 ** 20).toFixed(1);
  return `${messages} messages read by the server in ${seconds.toFixed(1)} s (${
    Math.round(messages / seconds)
  }/s), of ${sentMessages} sent: ` +
    `${datagrams} datagrams, the others over ${connections} connections; ${replies} replies
` +
    `${good} requests of good clients answered as they should be
` +
    `RSS ${mib(residentBefore)} MiB after the warm-up, ${mib(residentAfter)} MiB at the end`;
}
