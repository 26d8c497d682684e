/**
 * Measures what it costs to be looked at: the enqueue rate while nobody looks, while Prometheus scrapes each second, and while a page asks
 * for stats and history each second; and the processor time of both with many plugins and full queues. Prints Markdown.
 *
 *     ./denow task compile
 *     ./denow task bench-scrape --loadgen LOADGEN
 *
 * @module
 */
import { Loadgen } from "./loadgen.ts";
import { benchArgs, refuse } from "./support/args.ts";
import { cpuOf } from "./support/cpu_of.ts";
import { freePort } from "./support/free_port.ts";
import { markdownTable } from "./support/markdown_table.ts";
import { median } from "./support/median.ts";
import { MeventServer } from "./support/mevent_server.ts";
import { Onlookers } from "./http/onlookers.ts";

const USAGE = `Usage: ./denow task bench-scrape [options]
  --mevent FILE     mevent's executable (dist/mevent)
  --loadgen PATH    loadgen, or its folder ($LOADGEN)
  --only A,B        answers, enqueue, plugins; without it all of them
  --seconds S       how long one measurement takes (4)
  --rounds N        how often each is taken; the median counts (3)
  --plugins N       (50)
  --queued N        operations that wait in all of them (100000)
`;
/** What is asked for each second. */
const LOOKS = {
  nobody: [],
  "Prometheus": ["/metrics"],
  "a page": ["/api/v1/stats", "/api/v1/history"],
  "both": ["/metrics", "/api/v1/stats", "/api/v1/history"],
} as const;
/** A second in which an idle server takes no more is a quiet one, in ms. */
const QUIET_MS = 60;
const ANSWERS = 200;
type Look = keyof typeof LOOKS;
const LOOK_NAMES = Object.keys(LOOKS) as Look[];

const args = benchArgs(USAGE, ["mevent", "loadgen", "only", "seconds", "rounds", "plugins", "queued"]);
const program = args.text("mevent") ?? "dist/mevent";
const seconds = args.number("seconds", 4);
const rounds = args.number("rounds", 3);
const plugins = args.number("plugins", 50);
const queued = args.number("queued", 100_000);
const only = args.text("only")?.split(",") ?? ["answers", "enqueue", "plugins"];
const loadgenPath = args.text("loadgen") ?? Deno.env.get("LOADGEN") ?? refuse(USAGE, "--loadgen is missing");
const loadgen = await Loadgen.find(loadgenPath);

const whole = (value: number) => Math.round(value).toLocaleString("en");
const percent = (share: number) => `${(share * 100).toFixed(2)}%`;

async function start(more: string): Promise<{ server: MeventServer; url: string }> {
  const port = freePort();
  const server = await MeventServer.start(program, more, `http = "127.0.0.1:${port}"\nadmin = "full"\n`);
  return { server, url: `http://127.0.0.1:${port}` };
}

/** The rate at which one plugin takes operations, while each kind of onlooker asks; by turns. */
async function measureEnqueue(): Promise<void> {
  const { server, url } = await start("");
  await using _ = server;
  const options = ["--mode", "enqueue", "--proto", "mevent", "--plugin", "echo", "--cmd", "1002"];
  const load = { port: server.port, connections: 50, depth: 16, seconds, warmupSeconds: 0.5, options };
  await loadgen.run({ ...load, seconds: 2 });
  const rates = LOOK_NAMES.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    const order = LOOK_NAMES.map((_, at) => at);
    if (round % 2 === 1) order.reverse();
    for (const at of order) {
      await using _ = new Onlookers(url, LOOKS[LOOK_NAMES[at]!]);
      rates[at]!.push((await loadgen.run(load)).ops_per_s);
    }
  }
  const rows = LOOK_NAMES.map((name, at) => [
    name,
    `${whole(median(rates[at]!))}/s`,
    median(rates[at]!.map((rate, round) => rate / rates[0]![round]!)).toFixed(3),
    rates[at]!.map((rate, round) => (rate / rates[0]![round]!).toFixed(2)).join(" "),
  ]);
  console.log(
    markdownTable(["enqueue 50 x 16; asked each second by", "rate", "of nobody's", "each round"], rows),
  );
}

/** What one answer takes of the server's processor time, where the machine is too noisy for rates to tell. */
async function measureAnswers(): Promise<void> {
  const { server, url } = await start("");
  await using _ = server;
  const options = ["--mode", "enqueue", "--proto", "mevent", "--plugin", "echo", "--cmd", "1002"];
  await loadgen.run({ port: server.port, connections: 50, depth: 16, count: 20_000, options });
  const rows: string[][] = [];
  for (const path of LOOKS.both) {
    const ask = async () => await (await fetch(url + path)).arrayBuffer();
    for (let n = 0; n < ANSWERS; n++) await ask();
    const before = cpuOf(server.pid);
    for (let n = 0; n < ANSWERS; n++) await ask();
    const ms = (cpuOf(server.pid) - before) / ANSWERS;
    rows.push([path, `${ms.toFixed(2)} ms`, percent(ms / 1000)]);
  }
  console.log(markdownTable(["answer", "of a processor", "asked each second"], rows));
}

/** The processor time of a server with many plugins whose queues are full, and that does nothing but be looked at. */
async function measurePlugins(): Promise<void> {
  const toml = Array.from(
    { length: plugins },
    (_, n) => `\n[[plugin]]\nname = "p${n}"\nbiz = ${1000 + n}\nmodule = "builtin:echo"\nworkers = 1\n`,
  );
  const { server, url } = await start(toml.join(""));
  await using _ = server;
  for (let n = 0; n < plugins; n++) {
    const options = ["--mode", "enqueue", "--proto", "mevent", "--plugin", `p${n}`];
    const of = { port: server.port, connections: 1, depth: 16, options };
    // Each has commands of its own with figures, and then a queue.
    for (const command of ["1001", "1002"]) {
      await loadgen.run({ ...of, count: 50, options: [...options, "--cmd", command] });
    }
    await post(`${url}/api/v1/plugins/p${n}/pause`);
    await loadgen.run({ ...of, count: Math.ceil(queued / plugins), options: [...options, "--cmd", "1001"] });
  }
  await quiet(server.pid);
  const shares = LOOK_NAMES.map((): number[] => []);
  const answers: (readonly number[])[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const [at, name] of LOOK_NAMES.entries()) {
      await using onlookers = new Onlookers(url, LOOKS[name]);
      const [before, began] = [cpuOf(server.pid), performance.now()];
      await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
      shares[at]!.push((cpuOf(server.pid) - before) / (performance.now() - began));
      answers[at] = onlookers.bytes;
    }
  }
  const rows = LOOK_NAMES.map((name, at) => [
    name,
    percent(median(shares[at]!)),
    answers[at]!.map((each) => `${whole(each / 1024)} KiB`).join(", ") || "-",
  ]);
  console.log(
    markdownTable([
      `${plugins} plugins, ${whole(queued)} queued; asked each second by`,
      "of a core",
      "answers",
    ], rows),
  );
}

/** Workers that have nothing to do any more end, and memory is given back: waits until that is over. */
async function quiet(pid: number): Promise<void> {
  for (let look = 0, still = 0; look < 60 && still < 3; look++) {
    const before = cpuOf(pid);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    still = cpuOf(pid) - before <= QUIET_MS ? still + 1 : 0;
  }
}

async function post(url: string): Promise<void> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: "{}",
  });
  if (!response.ok) throw new Error(`${url}: ${await response.text()}`);
  await response.body?.cancel();
}

if (only.includes("answers")) await measureAnswers();
if (only.includes("enqueue")) await measureEnqueue();
if (only.includes("plugins")) await measurePlugins();
