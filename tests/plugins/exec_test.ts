import {
  assert,
  assertEquals,
  assertLess,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { SettingsError } from "../../plugins/config_table.ts";
import { execSettings } from "../../plugins/exec/settings.ts";
import type { JsonObject, JsonValue } from "../../src/plugin.ts";
import {
  ask,
  DEFAULTS,
  isAlive,
  logged,
  NO_PERMISSIONS,
  pidOf,
  request,
  start,
  test,
  testSteps,
  WORKER,
} from "../support/exec_python.ts";
import { messageOf, valueOf } from "../support/requests.ts";
import { until } from "../support/until.ts";

testSteps(
  "what a child says is taken as it is meant, and what it says wrong hurts nothing",
  { env: { COLOUR: "red" }, concurrency: 5, max_line: "64 KiB" },
  { retry: { maxAttempts: 3, backoff: 1, maxBackoff: 10 } },
  {
    "operations go to the child with all that it may know, and its results, codes and errors come back":
      async (_server, connection) => {
        const { value } = await ask(connection, "about", { a: [1, { b: "ä" }] });
        const { env, message } = value as { env: JsonObject; message: JsonObject };
        assertEquals(env["COLOUR"], "red");
        const { operation, deadline, ...rest } = message;
        assertEquals(rest, {
          id: 1,
          command: 2017,
          name: "about",
          sync: true,
          params: { a: [1, { b: "ä" }] },
        });
        assert(typeof operation === "string" && operation.length > 8);
        assert(Math.abs(Number(deadline) - Date.now() - 30_000) < 20_000);
        for (
          const [line, code, said] of [
            ['{"id": ID, "result": {"x": 1}}', 1000, { x: 1 }],
            ['{"id": ID}', 1000, undefined],
            ['{"id": ID, "code": 1001, "result": [1]}', 1001, [1]],
            ['{"id": ID, "error": "no luck"}', 14, "no luck"],
            ['{"id": ID, "error": {"code": 40, "message": "no such order"}}', 40, "no such order"],
            ['{"id": ID, "error": {}}', 14, "nothing more"],
            ['{"id": ID, "code": 14}', 14, "its code is not a whole number from 1000 on"],
            ['{"id": ID, "error": {"code": 21}}', 14, "its error.code is neither 14 nor from 25 to 999"],
            ['{"id": ID, "result": nonsense}', 14, "it is not JSON"],
            ['{"id": ID, "result": {"x": 1}, "error": null}', 1000, { x: 1 }],
            ['{"id": ID, "result": {"x": 1}, "error": false}', 1000, { x: 1 }],
            ['{"id": ID, "result": null, "error": "no luck"}', 14, "no luck"],
            ['{"id": ID, "error": true}', 14, "its error is neither a text nor an object"],
          ] as const
        ) {
          const reply = await ask(connection, "line", { line });
          assertEquals(reply.code, code, line);
          if (code >= 1000) assertEquals(reply.value, said as JsonValue | undefined, line);
          else assertStringIncludes(reply.message, String(said));
        }
      },
    "so many operations run at once as the config says, answered in any order": async (
      _server,
      connection,
    ) => {
      const started = performance.now();
      await connection.send(
        ...[400, 300, 200, 100, 0].map((ms, id) => request("slow", { ms }, id)),
      );
      const ids = (await connection.replies(5)).map(({ id }) => id);
      assertEquals(ids.toSorted(), [0, 1, 2, 3, 4]);
      assertEquals(ids.at(-1), 0);
      assertLess(performance.now() - started, 10_000);
    },
    "a line ends with LF, CR or both, and what stands before it on another line costs nothing": async (
      _server,
      connection,
    ) => {
      const line = '{"id": ID, "result": "Zoë 🐿"}';
      for (
        const params of [
          { line, end: "\r" },
          { line, end: "\r\n" },
          { line: `10 %\r100 %\r${line}` },
          { line: `Warning: sent\n${line}` },
          { line: `\ufeff${line}` },
          { line: ` \t${line} \t` },
        ]
      ) {
        assertEquals((await ask(connection, "line", params)).value, "Zoë 🐿", JSON.stringify(params));
      }
    },
    "what the child logs, writes to stderr and counts reaches the log and the stats": async (
      server,
      connection,
    ) => {
      assertEquals(await ask(connection, "tell"), { code: 1000, value: null, message: "" });
      await server.until("it is counted", () => server.plugin("py").counters["pictures"] === 2);
      assertEquals(server.plugin("py").gauges["size"], 7.5);
      await server.until("stderr is read", () => logged(server, "from stderr").length === 1);
      const [told] = logged(server, "from the child");
      assertEquals([told!["level"], told!["a"], told!["plugin"]], ["warn", 1, "py"]);
      assertEquals(logged(server, "just a text")[0]!["level"], "info");
    },
    "garbage, floods, endless lines, answers twice or to nobody are told in bounds and hurt nothing": async (
      server,
      connection,
    ) => {
      const pid = await pidOf(connection);
      const before = server.log.length;
      assertEquals((await ask(connection, "garbage")).value, "after the garbage");
      assertEquals((await ask(connection, "twice")).value, 1);
      assertEquals((await ask(connection, "unknown")).value, "mine");
      await server.until("it is told", () => logged(server, "or answered twice").length === 2);
      assertEquals((await ask(connection, "endless", { mib: 8 })).value, "after the endless line");
      assertEquals((await ask(connection, "flood", { lines: 5000 })).value, "after the flood");
      const long = await ask(connection, "long answer", { length: 70_000 });
      assertEquals(long.code, 14);
      assertStringIncludes(long.message, "longer than max_line, 65536 bytes");
      assertLess(server.log.length - before, 1500);
      await server.until(
        "it is told",
        () => logged(server, "more to log than is taken in a second").length > 0,
      );
      assertEquals(await pidOf(connection), pid);
    },
    "an answer that cannot be used is not tried again: the work is done": async (server, connection) => {
      const before = server.plugin("py");
      await connection.send(request("long answer", { length: 70_000 }, 1, false));
      await connection.reply();
      await server.until("it has failed", () => server.plugin("py").failed === before.failed + 1);
      await connection.send(
        request("line", { line: '{"id": ID, "error": {"code": 40, "retry": false}}' }, 2, false),
      );
      await connection.reply();
      await server.until("both have failed", () => server.plugin("py").failed === before.failed + 2);
      assertEquals([server.plugin("py").retries, server.plugin("py").dead], [0, before.dead + 2]);
    },
    "where an operation's id can be found in a line that cannot be used, it fails at once and is not tried again":
      async (server, connection) => {
        const pid = await pidOf(connection);
        const before = server.plugin("py");
        await connection.send(request("hang", {}, 99, false));
        await connection.reply();
        for (const [line, why, encoding] of UNUSABLE) {
          const params = { line, pad: 70_000, ...encoding !== undefined && { encoding } };
          const { code, message } = await ask(connection, "line", params);
          assertEquals(code, 14, `${line} ${encoding}`);
          assertStringIncludes(message, `the child's answer cannot be used: ${why}`);
          await connection.send(request("line", params, 1, false));
          await connection.reply();
        }
        const { length } = UNUSABLE;
        await server.until(
          "all have failed",
          () => server.plugin("py").failed === before.failed + 2 * length,
        );
        assertEquals([server.plugin("py").retries, server.plugin("py").dead], [0, before.dead + length]);
        // The child lives on, and what it was not about is still open.
        assertEquals([await pidOf(connection), server.plugin("py").in_flight], [pid, 1]);
      },
  },
);

/** What is no answer to be used, and has the operation's id in it somewhere. */
const UNUSABLE: readonly (readonly [line: string, why: string, encoding?: string])[] = [
  ['debug {"id":ID,"result":1}', "it is not JSON"],
  ['sent{"id":ID}', "it is not JSON"],
  ['{"id":"ID","result":1}', "its id is not a whole number"],
  ['{"result":{"a":NaN,"id":12345},"id":ID}', "it is not JSON"],
  ['{"id": ID, "result": Infinity}', "it is not JSON"],
  ['[{"id":ID}]', "it is no JSON object"],
  ['"{\\"id\\":ID,\\"result\\":1}"', "it is no JSON object"],
  ['{"response":{"id":ID,"result":1}}', "it has neither id, ready, log nor stats"],
  ['\u001b[0m{"id":ID}', "it is not JSON"],
  ['\u0000{"id":ID}', "it is not JSON"],
  ['{\n  "result": {\n    "words": 2\n  },\n  "id": ID\n}', "it is not JSON"],
  ["{'id': ID, 'result': None}", "it is not JSON"],
  ['{"id"=>ID, "result"=>nil}', "it is not JSON"],
  ['{"id":ID} debug', "it is not JSON"],
  ['{"id":ID}{"id":12345}', "it is not JSON"],
  ['{"id":ID,"result":"PAD"}', "it is longer than max_line"],
  ['{"result":"PAD","id":ID}', "it is longer than max_line"],
  ['{"result":[{"id":12345},"PAD"],\t"id" :\t"ID"}', "it is longer than max_line"],
  ['{"id":ID,"result":"Zo\u00eb"}', "it is not UTF-8", "latin-1"],
  ['{"result":"Zo\u00eb","id":ID}', "it is not UTF-8", "latin-1"],
  ['{"id":ID,"result":1}', "it is not UTF-8", "utf-16"],
  ['{"id":ID,"result":1}', "it is not JSON", "utf-16-le"],
  ['{"id":ID,"result":1}', "it is not JSON", "utf-16-be"],
  ['{"id":ID,"result":1}', "it is not UTF-8", "utf-32"],
];

testSteps(
  "a child that ends is replaced",
  { concurrency: 2 },
  { retry: { maxAttempts: 2, backoff: 1, maxBackoff: 10 } },
  {
    "a child that dies fails what it had begun with 14, is replaced, and what waits runs": async (
      server,
      connection,
    ) => {
      await connection.send(request("hang", {}, 1));
      await server.until("it runs", () => server.plugin("py").in_flight === 1);
      await connection.send(request("die", {}, 2), ...[3, 4, 5].map((id) => request("echo", { id }, id)));
      const replies = new Map((await connection.replies(5)).map((reply) => [reply.id, reply]));
      for (const id of [1, 2]) {
        assertEquals(replies.get(id)!.code, 14);
        assertStringIncludes(
          messageOf(replies.get(id)!),
          "the child process has ended: it ended with exit code 3",
        );
      }
      for (const id of [3, 4, 5]) assertEquals(valueOf(replies.get(id)!), { id });
      assertEquals(server.plugin("py").restarts, 0);
      await server.until("it is counted", () => server.plugin("py").counters["child restarts"] === 1);
      assertEquals(logged(server, "has ended and is replaced")[0]!["operations"], 2);
    },
    "what a dying child had begun is tried again where the config says so, under the same operation's id":
      async (server, connection) => {
        const { done } = server.plugin("py");
        await connection.send(request("die once", { path: `${server.directory}/died` }, 1, false));
        await connection.reply();
        await server.until("it is done", () => server.plugin("py").done === done + 1);
        assertEquals(server.plugin("py").retries, 1);
      },
    "the answer that a child gives right before its end counts": async (server, connection) => {
      const restarts = () => server.plugin("py").counters["child restarts"]!;
      const before = restarts();
      assertEquals((await ask(connection, "answer and die")).value, "last words");
      // What is sent before its end is noticed ends with it.
      await server.until("it is replaced", () => restarts() === before + 1);
      assertEquals((await ask(connection, "echo", { again: 1 })).value, { again: 1 });
    },
    "a child that closes its stdout is killed and replaced": async (_server, connection) => {
      const { code, message } = await ask(connection, "close stdout");
      assertEquals(code, 14);
      assertStringIncludes(message, "it has closed its stdout");
      assertEquals((await ask(connection, "echo", { a: 1 })).value, { a: 1 });
    },
  },
);

test("the server's environment stays its own, but for what the config passes on and grants", async () => {
  Deno.env.set("MEVENT_TEST_SECRET", "hidden");
  Deno.env.set("MEVENT_TEST_SHOWN", "shown");
  try {
    const permissions = { ...NO_PERMISSIONS, run: ["python3"], env: ["MEVENT_TEST_SHOWN"] };
    await using server = await start({
      command: ["python3", WORKER],
      pass_env: ["MEVENT_TEST_SHOWN"],
      cwd: "/",
    }, { permissions });
    using connection = await server.connect();
    const { env, cwd } = (await ask(connection, "about")).value as { env: JsonObject; cwd: string };
    assertEquals([env["MEVENT_TEST_SHOWN"], env["MEVENT_TEST_SECRET"], env["HOME"]], [
      "shown",
      undefined,
      undefined,
    ]);
    assertEquals(cwd, "/");
    await assertRejects(() => start({ pass_env: ["MEVENT_TEST_SECRET"] }), Error, "MEVENT_TEST_SECRET");
  } finally {
    Deno.env.delete("MEVENT_TEST_SECRET");
    Deno.env.delete("MEVENT_TEST_SHOWN");
  }
});

test("every operation is answered exactly once while children keep being killed", async () => {
  await using server = await start({ concurrency: 16 }, { workers: 2 });
  using connection = await server.connect();
  const count = 600;
  const answers = new Map<number, number>();
  const reading = (async () => {
    for (let i = 0; i < count; i++) {
      const { id, code } = await connection.reply();
      assertEquals(answers.has(id), false, `${id} is answered twice`);
      answers.set(id, code);
    }
  })();
  for (let sent = 0; sent < count; sent += 100) {
    await connection.send(
      ...Array.from({ length: 100 }, (_, i) => request("slow", { ms: (sent + i) % 20 }, sent + i)),
    );
    using other = await server.connect();
    const pid = await pidOf(other);
    Deno.kill(pid, "SIGKILL");
    await until("it is dead", () => !isAlive(pid));
  }
  await reading;
  const { done, failed, accepted, queued, in_flight } = server.plugin("py");
  assertEquals([done + failed, queued, in_flight], [accepted, 0, 0]);
  assertEquals(answers.size, count);
  assert([...answers.values()].every((code) => code === 1000 || code === 14));
});

testSteps(
  "an operation that is over its time is cancelled",
  { cancel_grace: "1s" },
  { timeout: 500, grace: 20_000 },
  {
    "a child that obeys lives on": async (server, connection) => {
      const pid = await pidOf(connection);
      const { code, message } = await ask(connection, "obey");
      assertEquals(code, 14);
      assertStringIncludes(message, "time-out");
      await server.until("its place is free", () => server.plugin("py").in_flight === 0);
      assertEquals(await pidOf(connection), pid);
    },
    "a child that does not answer is killed and replaced; the worker stays": async (server, connection) => {
      const pid = await pidOf(connection);
      for (const [name, ends] of [["hang", 1], ["spin", 2]] as const) {
        assertEquals((await ask(connection, name)).code, 14);
        await server.until(
          "it is replaced",
          () => logged(server, "has ended and is replaced").length === ends,
        );
        // The new child may take longer to start than an operation may wait.
        await until(
          "the new one answers",
          async () => (await ask(connection, "echo", { after: name })).code === 1000,
        );
      }
      assertStringIncludes(
        String(logged(server, "has ended and is replaced")[0]!["reason"]),
        "did not answer an operation of command 2005 within 1000 ms",
      );
      await until("the first one has ended", () => !isAlive(pid));
      assertEquals(server.plugin("py").restarts, 0);
    },
  },
);

test("a child that ends after so many operations, as PHP's workers do, is replaced at once each time", async () => {
  const command = [...DEFAULTS.command, "--jobs", "3"];
  await using server = await start({ command, concurrency: 1 });
  using connection = await server.connect();
  const started = performance.now();
  let done = 0;
  for (let i = 0; i < 36; i++) {
    const { code, message } = await ask(connection, "echo", { i });
    if (code === 1000) done++;
    else assertStringIncludes(message, "it ended with exit code 0");
  }
  // With pauses that double it would be minutes.
  assertLess(performance.now() - started, 60_000);
  assert(done >= 24, `${done} of 36 were done`);
  await server.until("all are counted", () => server.plugin("py").counters["child restarts"]! >= 8);
});

test("a config that is wrong is told key by key", async () => {
  for (
    const [config, sentence] of [
      [{ command: [] }, "config.command is empty"],
      [{ command: "python3 worker.py" }, "config.command is to be a list of texts"],
      [{ commands: {} }, "config.commands is to be a table"],
      [{ commands: { 7: "x" } }, "config.commands.7 is not a number from 1001 to 65535"],
      [{ commands: { 1001: 5 } }, "config.commands.1001 is to be a name"],
      [{ commands: { 1001: { name: "x", idempotnt: true } } }, 'no key "idempotnt"'],
      [{ concurrency: 0 }, "config.concurrency is to be a whole number from 1"],
      [
        { start_timeout: "9h" },
        'config.start_timeout is to be a duration such as "250ms", "10s" or "5m", from 100 ms to 25 s',
      ],
      [{ env: { A: 1 } }, "config.env is to be a table of texts"],
      [{ colour: "red" }, 'config has no key "colour"'],
    ] as const
  ) {
    assertThrows(() => execSettings({ ...DEFAULTS, ...config as JsonObject }), SettingsError, sentence);
  }
  // It keeps a server from starting.
  await assertRejects(() => start({ command: [] }), Error, "config.command is empty");
});
