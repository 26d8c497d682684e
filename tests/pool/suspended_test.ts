import { assert, assertEquals } from "@std/assert";
import { LostTime } from "../../src/lost_time.ts";
import { within } from "../../src/within.ts";
import { MeventProcess } from "../support/mevent.ts";
import { RawConnection } from "../support/raw_connection.ts";
import { messageOf, streamRequest } from "../support/requests.ts";

/** 1001 waits for a child of its own, which answers whatever becomes of the server meanwhile; 1002 for a time. */
const WAITS = `
export default {
  name: "waits",
  concurrency: 8,
  commands: {
    1001: { name: "child", async run({ params, signal }) {
      const child = new Deno.Command("sleep", { args: [params.string("s")], signal }).spawn();
      return { code: (await child.status).code };
    } },
    1002: { name: "time", run: ({ params }) => new Promise((resolve) => setTimeout(() => resolve({}), params.int("ms"))) },
  },
};`;

Deno.test("the time in which a thread stood still is known, as far as it lies after a moment, and short delays are none", () => {
  let time = 1000;
  const lost = new LostTime(() => time, 500);
  for (time of [1500, 2100, 2900]) lost.look();
  assertEquals(lost.since(0), 0);
  time = 13_400;
  assertEquals([lost.since(0), lost.since(2900), lost.since(13_000), lost.since(13_400)], [
    10_000,
    10_000,
    400,
    0,
  ]);
  for (time of [13_900, 14_400, 20_900]) lost.look();
  assertEquals([lost.since(0), lost.since(14_000)], [16_000, 6000]);
});

Deno.test("what is to happen after a time happens so much later as the thread has stood still meanwhile", async () => {
  const lost = new LostTime(() => performance.now(), 10);
  const turning = setInterval(() => lost.look(), 10);
  const happened = Promise.withResolvers<void>();
  lost.after(300, happened.resolve);
  lost.after(300, () => happened.reject(new Error("it was cancelled")))();
  // As a drain waits for its operations.
  let waitedUntil = 0;
  const waiting = within(300, new Promise(() => {}), undefined, lost).then(() =>
    waitedUntil = performance.now()
  );
  for (const end = performance.now() + 800; performance.now() < end;);
  const goesOn = performance.now();
  await happened.promise;
  assert(performance.now() - goesOn >= 250, "it had its time");
  await waiting;
  assert(waitedUntil - goesOn >= 250, "who waited has waited so long, too");
  clearInterval(turning);
});

Deno.test("a server that was suspended for longer than a plugin's time-out ends no healthy worker, process or operation for it", async () => {
  const directory = await Deno.makeTempDir({ prefix: "mevent-test-" });
  await Deno.writeTextFile(`${directory}/waits.ts`, WAITS);
  const table = (name: string, more: string, timeout = "2s") =>
    `[[plugin]]
name = "${name}"
module = "./waits.ts"
timeout = "${timeout}"
grace = "100ms"
${more}
permissions = { run = ["sleep"] }
`;
  await Deno.writeTextFile(
    `${directory}/mevent.toml`,
    table("worker", "") + table("process", 'isolation = "process"') +
      table("old", 'ttl = "2s"\nconcurrency = 1') +
      // It is suspended for more than twice as long as it may be silent.
      table("short", 'isolation = "process"', "1s"),
  );
  const path = `${directory}/socket`;
  const server = new MeventProcess(
    ..."serve --no-tcp --no-udp --log-format json --set control=none --unix".split(" "),
    path,
    ...["--config", `${directory}/mevent.toml`],
  );
  await server.until(/Next:/);
  using connection = new RawConnection(await Deno.connect({ transport: "unix", path }));
  const child = { command: 1001, params: { s: "0.7" } };
  await connection.send(
    streamRequest({ id: 1, plugin: "worker", ...child }),
    streamRequest({ id: 2, plugin: "process", ...child }),
    streamRequest({ id: 3, plugin: "worker", command: 1002, params: { ms: 800 } }),
    // The second waits behind the first, and is not too old afterwards.
    streamRequest({ id: 4, plugin: "old", command: 1002, params: { ms: 500 } }),
    streamRequest({ id: 5, plugin: "old", command: 1002, params: { ms: 1 } }),
  );
  // By then those before run, and the last one is on its way.
  await connection.send(streamRequest({ id: 7, plugin: "short", command: 1001, params: { s: "0.3" } }));
  await connection.send(streamRequest({ id: 6, plugin: "process", command: 1002, params: { ms: 200 } }));
  const answers = new Map<number, string>();
  const take = async () => {
    const reply = await connection.reply();
    answers.set(reply.id, reply.code === 1000 ? "done" : messageOf(reply));
  };
  while (!answers.has(6)) await take();
  server.child.kill("SIGSTOP");
  await new Promise((resolve) => setTimeout(resolve, 4600));
  server.child.kill("SIGCONT");
  while (answers.size < 7) await take();
  assertEquals([...answers].filter(([, answer]) => answer !== "done"), []);
  server.child.kill("SIGTERM");
  const { code, stderr } = await server.end();
  assertEquals([code, /died|hangs/.test(stderr)], [0, false], stderr);
  await Deno.remove(directory, { recursive: true });
});
