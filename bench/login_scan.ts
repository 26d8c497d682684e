/**
 * Tries wrong tokens over the wire or over HTTP, or floods a server with TLS handshakes, thousands at a time and from many addresses,
 * and measures what good clients wait that are logged in on the wire. Prints Markdown; exit code 1 where their p99 grows more than
 * allowed, or an answer is not the one that is due.
 *
 *     ./denow task bench-auth --over http --tries 100000
 *
 * @module
 */
import { setTimeout as pause } from "node:timers/promises";
import { hashOfToken, hashText, TOKEN_BYTES, tokenOf } from "../src/auth/token.ts";
import { loadLibc } from "../src/net/libc.ts";
import { Histogram } from "../src/observe/histogram.ts";
import { TestCertificates } from "../tests/support/certificates.ts";
import { Witnesses } from "./faults/witnesses.ts";
import { handshakeIntruder, httpIntruder, wireIntruder } from "./login_scan/intruders.ts";
import { type Scan, scan } from "./login_scan/scan.ts";
import { benchArgs, refuse } from "./support/args.ts";
import { freePort } from "./support/free_port.ts";
import { LoopbackAddresses } from "./support/loopback_addresses.ts";
import { markdownTable } from "./support/markdown_table.ts";
import { WatchedServer } from "./support/watched_server.ts";

const USAGE = `Usage: ./denow task bench-auth [options]
  --over KIND       what is tried: tcp, http: wrong tokens; tls: handshakes (tcp)
  --tries N         so often (100000)
  --at-once N       connections at a time (4800); both processes need that many descriptors and some
  --addresses N     of this machine, from which they come by turns (2000): each waits for its own failed logins
  --seconds S       how long the good clients are measured before and after (8)
  --ratio R         the good clients' p99 may grow so many times (1.5); 0: no matter
  --mevent FILE     an executable instead of the source
`;
const FLAGS = ["over", "tries", "at-once", "addresses", "seconds", "ratio", "mevent"] as const;
const GOOD_CLIENTS = 4;

const args = benchArgs(USAGE, FLAGS);
const tries = args.number("tries", 100_000);
const seconds = args.number("seconds", 8);
const ratio = args.number("ratio", 1.5);
const library = loadLibc();
if (library === null) refuse(USAGE, "this needs Linux");
const libc = library.symbols;

const newToken = () => tokenOf(crypto.getRandomValues(new Uint8Array(TOKEN_BYTES)));
const kinds = {
  tcp: () => wireIntruder(newToken),
  http: () => httpIntruder(newToken),
  tls: handshakeIntruder,
};
const over = args.text("over") ?? "tcp";
if (!Object.hasOwn(kinds, over)) refuse(USAGE, `--over ${over}: give tcp, http or tls`);
const kind = over as keyof typeof kinds;
const intruder = await kinds[kind]();
const good = newToken();
const ports = { tcp: freePort(), http: freePort(), tls: freePort() };
await using certificates = await TestCertificates.make();
const { cert, key } = await certificates.server();
const CONFIG = `
[server]
log_level = "warn"
log_format = "json"

[[listener]]
tcp = "127.0.0.1:${ports.tcp}"
auth = "token"

[[listener]]
http = "127.0.0.1:${ports.http}"
auth = "token"

[[listener]]
tcp = "127.0.0.1:${ports.tls}"
auth = "token"
tls = { cert = "${cert}", key = "${key}" }

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

await using server = await WatchedServer.start({ mevent: args.text("mevent"), config: CONFIG });
using sources = new LoopbackAddresses(args.number("addresses", 2000));
const at = (port: number) => ({ transport: "tcp", hostname: "127.0.0.1", port }) as const;
await measure(pause(2000));
const before = await measure(pause(seconds * 1000));
let scanned: Scan | undefined;
const atOnce = args.number("at-once", 4800);
const beside = await measure(
  scan({ libc, address: at(ports[kind]), intruder, tries, atOnce, sources }).then((each) => scanned = each),
);
const after = await measure(pause(seconds * 1000));
const { limits } = await server.stats();
library.close();

const ms = (times: Histogram, share: number) => times.quantile(share) / 1000;
console.log(markdownTable(
  [`${GOOD_CLIENTS} good clients, one request at a time`, "p50", "p99", "p99.9", "requests"],
  ([["before", before], [`beside ${intruder.tries}`, beside], ["after", after]] as const).map((
    [name, times],
  ) => [
    name,
    ...[0.5, 0.99, 0.999].map((share) => `${ms(times, share).toFixed(3)} ms`),
    String(times.count),
  ]),
));
const alone = (ms(before, 0.99) + ms(after, 0.99)) / 2;
const grown = ms(beside, 0.99) / alone;
const { answers, ms: took } = scanned!;
const tried = [...answers.values()].reduce((sum, count) => sum + count, 0);
const wrong = tried - intruder.due.reduce((sum, answer) => sum + (answers.get(answer) ?? 0), 0);
console.log(
  `p99 grew ${grown.toFixed(2)} times; ${tried} ${intruder.tries} in ${(took / 1000).toFixed(1)} s, answers ${
    JSON.stringify(Object.fromEntries(answers))
  }; limits ${JSON.stringify({ login: limits["login"], max_login_failures: limits["max_login_failures"] })}`,
);
const failure = server.errors > 0
  ? `the server logged an error: ${server.log.find((line) => line.includes('"error"'))}`
  : wrong > 0 || tried < tries
  ? `${wrong} of ${tried} were not answered ${intruder.due.join(" or ")}`
  : ratio > 0 && grown > ratio
  ? `the good clients' p99 grew more than ${ratio} times`
  : undefined;
if (failure !== undefined) {
  console.log(`FAILED: ${failure}`);
  Deno.exitCode = 1;
}

async function measure(meanwhile: Promise<unknown>): Promise<Histogram> {
  const times = new Histogram();
  await using witnesses = await Witnesses.start(at(ports.tcp), 1, GOOD_CLIENTS, good);
  await witnesses.take(new Histogram());
  await meanwhile;
  await witnesses.take(times);
  if (witnesses.failure !== undefined) throw new Error(witnesses.failure);
  return times;
}
