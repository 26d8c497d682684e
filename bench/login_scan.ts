/**
 * Tries wrong tokens, thousands at a time, and measures what good clients wait that are logged in on the same listener. Prints
 * Markdown; exit code 1 where their p99 grows more than allowed, or a wrong token is let in.
 *
 *     ./denow task bench-auth --tokens 100000
 *
 * @module
 */
import { setTimeout as pause } from "node:timers/promises";
import { hashOfToken, hashText, TOKEN_BYTES, tokenOf } from "../src/auth/token.ts";
import { loadLibc } from "../src/net/libc.ts";
import { Histogram } from "../src/observe/histogram.ts";
import { encodeBody, Encoding } from "../src/protocol/body.ts";
import { ReplyCode } from "../src/protocol/codes.ts";
import { readReply } from "../src/protocol/reply.ts";
import { writeRequest } from "../src/protocol/request.ts";
import { Witnesses } from "./faults/witnesses.ts";
import { benchArgs, refuse } from "./support/args.ts";
import { freePort } from "./support/free_port.ts";
import { markdownTable } from "./support/markdown_table.ts";
import { NativeSocket } from "./support/native_socket.ts";
import { WatchedServer } from "./support/watched_server.ts";

const USAGE = `Usage: ./denow task bench-auth [options]
  --tokens N        wrong tokens to try (100000)
  --at-once N       connections that try at a time (4800); both processes need that many descriptors and some
  --seconds S       how long the good clients are measured before and after (8)
  --ratio R         the good clients' p99 may grow so many times (1.5); 0: no matter
  --mevent FILE     an executable instead of the source
`;
const FLAGS = ["tokens", "at-once", "seconds", "ratio", "mevent"] as const;
const GOOD_CLIENTS = 4;
const DIAL_BATCH = 32;
/** A try that is not answered for so long has been lost, in ms. */
const LOST_MS = 60_000;
/** Connections that are looked at in a millisecond. */
const LOOKED_AT = 32;

const args = benchArgs(USAGE, FLAGS);
const tokens = args.number("tokens", 100_000);
const atOnce = args.number("at-once", 4800);
const seconds = args.number("seconds", 8);
const ratio = args.number("ratio", 1.5);
const library = loadLibc();
if (library === null) refuse(USAGE, "this needs Linux");
const libc = library.symbols;

const newToken = () => tokenOf(crypto.getRandomValues(new Uint8Array(TOKEN_BYTES)));
const good = newToken();
const port = freePort();
const CONFIG = `
[server]
log_level = "warn"
log_format = "json"

[[listener]]
tcp = "127.0.0.1:${port}"
auth = "token"

[[token]]
name = "good"
hash = "${hashText(hashOfToken(good))}"
rights = ["call:witness", "enqueue:witness"]
${
  Array.from({ length: 99 }, (_, at) =>
    `[[token]]\nname = "other${at}"\nhash = "${hashText(hashOfToken(newToken()))}"\nrights = ["stats"]\n`)
    .join("")
}
[[plugin]]
name = "witness"
module = "builtin:echo"
concurrency = 1
`;

/** What came of the tries. */
interface Scan {
  /** By the reply's code; 0 where the connection ended without one. */
  readonly answers: Map<number, number>;
  readonly ms: number;
}

await using server = await WatchedServer.start({ mevent: args.text("mevent"), config: CONFIG });
const address = { transport: "tcp", hostname: "127.0.0.1", port } as const;
await measure(pause(2000));
const before = await measure(pause(seconds * 1000));
let scanned: Scan | undefined;
const beside = await measure(scan().then((each) => scanned = each));
const after = await measure(pause(seconds * 1000));
const { limits } = await server.stats();
library.close();

const ms = (times: Histogram, share: number) => times.quantile(share) / 1000;
console.log(markdownTable(
  [`${GOOD_CLIENTS} good clients, one request at a time`, "p50", "p99", "p99.9", "requests"],
  ([["before", before], ["beside the scan", beside], ["after", after]] as const).map(([name, times]) => [
    name,
    ...[0.5, 0.99, 0.999].map((share) => `${ms(times, share).toFixed(3)} ms`),
    String(times.count),
  ]),
));
const alone = (ms(before, 0.99) + ms(after, 0.99)) / 2;
const grown = ms(beside, 0.99) / alone;
const { answers, ms: took } = scanned!;
const tried = [...answers.values()].reduce((sum, count) => sum + count, 0);
console.log(
  `p99 grew ${grown.toFixed(2)} times; ${tried} tokens tried in ${(took / 1000).toFixed(1)} s, answers ${
    JSON.stringify(Object.fromEntries(answers))
  }; limits ${JSON.stringify({ login: limits["login"], max_login_failures: limits["max_login_failures"] })}`,
);
const failure = server.errors > 0
  ? `the server logged an error: ${server.log.find((line) => line.includes('"error"'))}`
  : answers.get(ReplyCode.Auth) !== tokens
  ? `not all of ${tokens} wrong tokens were answered ${ReplyCode.Auth}`
  : ratio > 0 && grown > ratio
  ? `the good clients' p99 grew more than ${ratio} times`
  : undefined;
if (failure !== undefined) {
  console.log(`FAILED: ${failure}`);
  Deno.exitCode = 1;
}

async function measure(meanwhile: Promise<unknown>): Promise<Histogram> {
  const times = new Histogram();
  await using witnesses = await Witnesses.start(address, 1, GOOD_CLIENTS, good);
  await witnesses.take(new Histogram());
  await meanwhile;
  await witnesses.take(times);
  if (witnesses.failure !== undefined) throw new Error(witnesses.failure);
  return times;
}

/** Tries them all, so many at a time. */
async function scan(): Promise<Scan> {
  const answers = new Map<number, number>();
  const open: { readonly socket: NativeSocket; readonly at: number; code: number }[] = [];
  const scratch = new Uint8Array(4096);
  const begun = performance.now();
  let sent = 0;
  let at = 0;
  while (sent < tokens || open.length > 0) {
    const wanted = Math.min(DIAL_BATCH, tokens - sent, atOnce - open.length);
    const sockets = wanted > 0 ? await NativeSocket.dial(libc, address, wanted) : [];
    for (const socket of sockets) {
      const body = encodeBody(Encoding.Json, { token: newToken() });
      const message = writeRequest({ id: 1, command: 1, sync: true, plugin: "Reserve.Auth", body }, true);
      if (socket.send(new Uint8Array(message)) !== message.length) throw new Error("a socket took no login");
      open.push({ socket, at: performance.now(), code: 0 });
      sent++;
    }
    for (let looked = 0; looked < LOOKED_AT && open.length > 0; looked++) {
      at = (at + 1) % open.length;
      const one = open[at]!;
      const count = one.socket.receive(scratch);
      if (count > 0) one.code = readReply(scratch.subarray(4, count)).code;
      const isLost = performance.now() - one.at > LOST_MS;
      if (count !== 0 && one.code === 0 && !isLost) continue;
      answers.set(one.code, (answers.get(one.code) ?? 0) + 1);
      one.socket.close();
      const last = open.pop()!;
      if (last !== one) open[at] = last;
    }
    await pause(1);
  }
  return { answers, ms: performance.now() - begun };
}
