/**
 * Holds thousands of connections that send a byte a second, and measures what good clients beside them wait. Prints
 * Markdown; exit code 1 where their p99 grows more than allowed, or a connection is lost for another reason than its age.
 *
 *     ./denow task slowloris --connections 5000
 *
 * @module
 */
import { setTimeout as pause } from "node:timers/promises";
import { loadLibc } from "../src/net/libc.ts";
import { Histogram } from "../src/observe/histogram.ts";
import { encodeBody, Encoding } from "../src/protocol/body.ts";
import { writeRequest } from "../src/protocol/request.ts";
import { Witnesses } from "./faults/witnesses.ts";
import { benchArgs, refuse } from "./support/args.ts";
import { markdownTable } from "./support/markdown_table.ts";
import { median } from "./support/median.ts";
import { NativeSocket } from "./support/native_socket.ts";
import { WatchedServer } from "./support/watched_server.ts";

const USAGE = `Usage: ./denow task slowloris [options]
  --connections N   slow ones (5000); both processes need that many descriptors and some: ulimit -n
  --seconds S       how long the good clients are measured at a time (10)
  --rounds N        measurements without and with the slow ones each (3); the medians count
  --ratio R         the good clients' p99 may grow so many times (2); 0: no matter
  --mevent FILE     an executable instead of the source
`;
const FLAGS = ["connections", "seconds", "rounds", "ratio", "mevent"] as const;
/** Bytes are sent in so many portions a second, so that they do not come all at once. */
const PORTIONS = 500;
const DIAL_BATCH = 64;
const GOOD_CLIENTS = 4;
const CONFIG = `
[server]
max_connections = 100_000
max_connections_per_address = 0
log_level = "warn"
log_format = "json"

[[plugin]]
name = "witness"
module = "builtin:echo"
concurrency = 1
`;

const args = benchArgs(USAGE, FLAGS);
const connections = args.number("connections", 5000);
const seconds = args.number("seconds", 10);
const rounds = args.number("rounds", 3);
const ratio = args.number("ratio", 2);
const library = loadLibc();
if (library === null) refuse(USAGE, "this needs Linux");
const libc = library.symbols;

/** A message that takes more seconds than anything here lasts. */
const MESSAGE = writeRequest({
  id: 1,
  command: 1001,
  sync: true,
  plugin: "witness",
  body: encodeBody(Encoding.Json, { text: "x".repeat(4000) }),
}, true);

interface Slow {
  socket: NativeSocket;
  sent: number;
}

/** Connections that send a byte a second; those that the server closes are opened again. */
class SlowClients {
  readonly #slow: Slow[] = [];
  readonly #byte = new Uint8Array(1);
  readonly #scratch = new Uint8Array(16);
  #next = 0;
  #timer: number | undefined;
  #owed = 0;
  #lastAt = 0;
  /** Closed by the server. */
  closed = 0;
  bytes = 0;

  async open(server: WatchedServer): Promise<void> {
    while (this.#slow.length < connections) {
      const sockets = await NativeSocket.dial(
        libc,
        server.tcp,
        Math.min(DIAL_BATCH, connections - this.#slow.length),
      );
      if (sockets.length === 0) {
        throw new Error(`${this.#slow.length} of ${connections} connections could be opened: see ulimit -n`);
      }
      for (const socket of sockets) this.#slow.push({ socket, sent: 0 });
    }
    this.#lastAt = performance.now();
    this.#timer = setInterval(() => this.#send(server), 1000 / PORTIONS);
  }

  close(): void {
    clearInterval(this.#timer);
    for (const { socket } of this.#slow.splice(0)) socket.reset();
  }

  #send(server: WatchedServer): void {
    const now = performance.now();
    this.#owed += connections * (now - this.#lastAt) / 1000;
    this.#lastAt = now;
    for (; this.#owed >= 1 && this.#slow.length > 0; this.#owed--) {
      this.#next = (this.#next + 1) % this.#slow.length;
      const slow = this.#slow[this.#next]!;
      if (slow.socket.receive(this.#scratch) === 0) this.#reopen(server, slow);
      if (!slow.socket.isOpen) continue;
      this.#byte[0] = MESSAGE[slow.sent % MESSAGE.length]!;
      if (slow.socket.send(this.#byte) === 1) {
        slow.sent++;
        this.bytes++;
      }
    }
  }

  #reopen(server: WatchedServer, slow: Slow): void {
    this.closed++;
    slow.socket.close();
    NativeSocket.dial(libc, server.tcp, 1).then(([socket]) => {
      if (socket === undefined) return;
      if (this.#timer === undefined) return socket.close();
      slow.socket = socket;
      slow.sent = 0;
    });
  }
}

await using server = await WatchedServer.start({
  mevent: args.text("mevent"),
  config: CONFIG,
});
const idle = server.resident;
await measure();
const alone: Histogram[] = [];
const beside: Histogram[] = [];
let open = 0;
let closed = 0;
let sent = 0;
let resident = 0;
for (let round = 0; round < rounds; round++) {
  alone.push(await measure());
  const slow = new SlowClients();
  await slow.open(server);
  beside.push(await measure());
  open = Math.max(open, (await server.stats()).connections.open);
  resident = Math.max(resident, server.resident);
  slow.close();
  closed += slow.closed;
  sent += slow.bytes;
  // The server is let see that they have gone.
  while ((await server.stats()).connections.open > 1) await pause(50);
}
library.close();

const quantiles = [0.5, 0.99, 0.999];
const milliseconds = (times: Histogram[], share: number) =>
  median(times.map((each) => each.quantile(share))) / 1000;
console.log(markdownTable(
  [`${GOOD_CLIENTS} good clients, one request at a time`, "p50", "p99", "p99.9", "requests"],
  [["alone", alone] as const, [`beside ${connections} slow ones`, beside] as const].map(([name, times]) => [
    name,
    ...quantiles.map((share) => `${milliseconds(times, share).toFixed(2)} ms`),
    String(times.reduce((sum, { count }) => sum + count, 0)),
  ]),
));
const grown = milliseconds(beside, 0.99) / milliseconds(alone, 0.99);
console.log(
  `p99 grew ${
    grown.toFixed(2)
  } times; ${open} connections were open, ${closed} slow ones closed by the server, ` +
    `${sent} bytes sent one by one; RSS ${(idle / 2 ** 20).toFixed(0)} MiB idle, ${
      (resident / 2 ** 20).toFixed(0)
    } MiB at most`,
);
const failure = server.errors > 0
  ? `the server logged an error: ${server.log.find((line) => line.includes('"error"'))}`
  : open < connections
  ? `only ${open} connections were open`
  : ratio > 0 && grown > ratio
  ? `the good clients' p99 grew more than ${ratio} times`
  : undefined;
if (failure !== undefined) {
  console.log(`FAILED: ${failure}`);
  Deno.exitCode = 1;
}

async function measure(): Promise<Histogram> {
  const times = new Histogram();
  await using witnesses = await Witnesses.start(server.tcp, 1, GOOD_CLIENTS);
  await pause(seconds * 1000);
  await witnesses.take(times);
  if (witnesses.failure !== undefined) throw new Error(witnesses.failure);
  return times;
}
