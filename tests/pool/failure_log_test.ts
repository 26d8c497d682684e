import { assert, assertEquals, assertMatch } from "@std/assert";
import { ask, GET, inFolder, SET, startIn } from "../support/kv_server.ts";
import { lives, livesRequest, startLives } from "../support/lives_plugin.ts";
import { mevent, MeventProcess } from "../support/mevent.ts";
import { streamRequest } from "../support/requests.ts";
import { TestServer } from "../support/test_server.ts";
import { until } from "../support/until.ts";

interface Line {
  readonly [field: string]: unknown;
}

/** The log's lines with such a message, without their time, their message, and the id that no other operation has. */
function lines(server: TestServer, message: string): Line[] {
  return server.log.map((line) => JSON.parse(line)).filter((line) => line.message === message)
    .map(({ time: _, message: __, operation_id: id, ...line }) => {
      if ("attempt" in line) assertMatch(String(id), /^[0-9a-f]{12}-\w+-\w+$/);
      return line;
    });
}

const RETRIED = "an operation failed and is tried again";
const TOLD = "an operation failed, and its caller is told";
const KEPT = "an operation failed for good and is kept as a dead letter";
const LOST = "an operation failed for good and is lost: there is no room for it among the dead letters";
const DROPPED = "a dead letter is dropped for newer ones";

Deno.test("each failed attempt is told with the operation's id, command, attempt and what becomes of it, context.fail too", async () => {
  await using server = await startLives({
    retry: { maxAttempts: 3, backoff: 10, maxBackoff: 10 },
    dead: { maxOps: 1, maxBytes: 1e6 },
  });
  using connection = await server.connect();
  const fails = { command: 1002, sync: false };
  await connection.send(livesRequest({ id: 1, ...fails }));
  await connection.reply();
  await server.until("it has failed", () => server.plugin("lives").failed === 1);
  const told = { level: "warn", plugin: "lives", operation: 1, command: 1002, code: 40, error: "not today" };
  const waits = lines(server, RETRIED).map(({ retry_in_ms: wait, ...line }) => {
    assert(Number(wait) >= 5 && Number(wait) <= 10, `${wait} ms`);
    return line;
  });
  assertEquals(waits, [{ ...told, attempt: 1 }, { ...told, attempt: 2 }]);
  assertEquals(lines(server, KEPT), [{ ...told, attempt: 3 }]);
  await connection.send(livesRequest({ id: 2, command: 1002 }));
  await connection.reply();
  assertEquals(lines(server, TOLD), [{ ...told, level: "info", operation: 2, attempt: 1 }]);
  await connection.send(livesRequest({ id: 3, ...fails }));
  await server.until("the other has failed, too", () => server.plugin("lives").failed === 3);
  assertEquals(lines(server, DROPPED).map(({ operation, level }) => [operation, level]), [[1, "warn"]]);
});

Deno.test("what expires, dies with its worker, or finds no room among the dead letters is a warning with its id", async () => {
  await using server = await startLives({ ttl: 20, dead: { maxOps: 0, maxBytes: 1e6 } });
  using connection = await server.connect();
  lives(server).pause();
  await connection.send(livesRequest({ id: 1, sync: false }));
  await connection.reply();
  await server.until("it is too old", () => lives(server).peek(1).every(({ age_ms }) => age_ms > 30));
  lives(server).resume();
  await connection.send(livesRequest({ id: 2, command: 1003, sync: false }));
  await connection.reply();
  await server.until("it runs", () => lives(server).peek(1)[0]?.state === "running");
  lives(server).pool.workers[0]!.fail("it was killed");
  const lost = lines(server, LOST);
  assertEquals(lost.map(({ level, operation, attempt }) => [level, operation, attempt]), [
    ["warn", 1, 0],
    ["warn", 2, 1],
  ]);
  assertMatch(String(lost[0]!.error), /longer than its ttl/);
  assertMatch(String(lost[1]!.error), /died: it was killed/);
  assertEquals(server.plugin("lives").dead_dropped, 2);
});

Deno.test("callers' mistakes have a figure of their own and are no alarm, whatever refuses them", async () => {
  const source = `export default { name: "p", commands: {
    1001: { name: "needs", run: ({ params }) => params.int("n") },
    1002: { name: "breaks", run() {
      const reset = new AggregateError([new Error("refused on ::1"), "refused on 127.0.0.1"], "no address answers");
      reset.cause = reset;
      throw new Error("a bug", { cause: reset });
    } },
  } };`;
  await using server = await TestServer.start({
    plugins: [{ name: "p", source }, { name: "kv" }],
  });
  using connection = await server.connect();
  await connection.send(streamRequest({ plugin: "p", params: { n: "x" } }));
  assertEquals((await connection.reply()).code, 23);
  assertEquals((await ask(connection, GET, { key: "none" }))[0], 24);
  await connection.send(streamRequest({ plugin: "p", command: 1002 }));
  assertEquals((await connection.reply()).code, 14);
  const figures = (name: string) => [server.plugin(name).failed, server.plugin(name).refused];
  assertEquals([figures("p"), figures("kv")], [[2, 1], [1, 1]]);
  assertEquals(lines(server, TOLD).map(({ level, code }) => [level, code]), [
    ["debug", 23],
    ["debug", 24],
    ["warn", 14],
  ]);
  const [thrown] = lines(server, "an operation has thrown");
  assertEquals([thrown!.operation, thrown!.command, thrown!.error], [2, 1002, "a bug"]);
  // Each with its place in the plugin's code, and with what it came from.
  assertMatch(
    String(thrown!.trace),
    new RegExp([
      "^Error: a bug\n    at .*p\\.ts:6:\\d+\\)?",
      "Caused by: AggregateError: no address answers\n    at .*p\\.ts:4:\\d+\\)?",
      "Caused by: Error: refused on ::1\n    at .*p\\.ts:4:\\d+\\)?",
      "Caused by: refused on 127\\.0\\.0\\.1$",
    ].join("\n")),
  );
  const { stdout } = await mevent(["stats", "--port", `${server.tcp.port}`]);
  assertMatch(stdout, /^p operations: refused 1$/m);
  const { stdout: prometheus } = await mevent(["stats", "--prometheus", "--port", `${server.tcp.port}`]);
  assertMatch(prometheus, /^mevent_\w*refused\w*\{plugin="p"\} 1$/m);
});

Deno.test("the lines of failures keep to the log's bound, and what was left out is counted", async () => {
  await using server = await startLives();
  server.server.options.log.maxLines = 3;
  using connection = await server.connect();
  for (let id = 0; id < 20; id++) await connection.send(livesRequest({ id, command: 1002, sync: false }));
  await server.until("all have failed", () => server.plugin("lives").failed === 20);
  // A second may end in between.
  assert(lines(server, KEPT).length <= 6);
  assert(server.server.options.log.dropped >= 14);
});

Deno.test("the end of a drain says of each plugin how much was given up", async () => {
  const slow = (name: string) => ({
    name,
    source:
      `export default { name: "${name}", commands: { 1001: { name: "waits", run: () => new Promise(() => {}) } } };`,
  });
  await using server = await TestServer.start({
    server: { drain_timeout: "50ms" },
    plugins: [slow("one"), slow("two"), { name: "echo" }],
  });
  using connection = await server.connect();
  for (const plugin of ["one", "two", "two"]) await connection.send(streamRequest({ plugin }));
  await server.until(
    "all are there",
    () => server.plugin("one").accepted + server.plugin("two").accepted === 3,
  );
  const stopped = server.server.stop();
  await server.until("it has given up draining", () => server.plugin("one").workers_running === 0);
  await server.server.stop();
  await stopped;
  assertEquals(lines(server, "operations of a plugin were given up"), [
    { level: "warn", plugin: "one", operations: 1 },
    { level: "warn", plugin: "two", operations: 2 },
  ]);
});

Deno.test("a last snapshot that cannot be written is exit 1 of the server and of who tells it to stop, whatever keeps it", async () => {
  for (const how of ["TERM", "drain", "stop --now"]) {
    await inFolder(async (folder) => {
      const config = `${folder}/mevent.toml`;
      await Deno.mkdir(`${folder}/kv`);
      await Deno.writeTextFile(
        config,
        `[[plugin]]
name = "kv"
module = "builtin:kv"
permissions = { read = ["${folder}/kv"], write = ["${folder}/kv"] }
[plugin.config]
snapshot = "${folder}/kv/snapshot"
`,
      );
      const control = `${folder}/control`;
      const server = new MeventProcess(
        ..."serve --no-tcp --no-udp --log-format json --unix".split(" "),
        `${folder}/socket`,
        ...["--config", config, "--set", `control=${control}`],
      );
      await server.until(/Next:/);
      await Deno.remove(`${folder}/kv`, { recursive: true });
      if (how === "TERM") server.child.kill("SIGTERM");
      else {
        const { code, stdout } = await mevent([...how.split(" "), "--control", control]);
        assertEquals(code, 1, stdout);
        assertMatch(stdout, /kv did not end as they were to/);
      }
      const { code, stderr } = await server.end();
      assertEquals(code, 1, stderr);
      assertMatch(stderr, /the plugin's stop failed/);
      assertMatch(
        stderr,
        /the snapshot \S+\/kv\/snapshot cannot be written: there is no such file or folder/,
      );
    });
  }
});

Deno.test("a pipe in the place of a snapshot is refused at the start, and at the stop too", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/kv.snapshot`;
    const pipe = () => new Deno.Command("mkfifo", { args: [path] }).output();
    {
      await using server = await startIn(folder);
      using connection = await server.connect();
      await ask(connection, SET, { key: "a", value: "1" });
      await pipe();
      assertEquals((await server.server.stop()).unstopped, ["kv"]);
    }
    await until("the pipe is there", async () => (await Deno.stat(path)).isFifo === true);
    const error = await startIn(folder).then(() => null, (error) => error);
    assertMatch(String(error), /kv\.snapshot is no regular file/);
  });
});
