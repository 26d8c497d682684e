import {
  assert,
  assertEquals,
  assertLess,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import fc from "fast-check";
import type { JsonObject } from "../../src/plugin.ts";
import { LineError, LineReader } from "../../src/protocol/line_reader.ts";
import { MAX_CONTROL_CONNECTIONS } from "../../src/control/control_server.ts";
import { MAX_REQUEST_BYTES } from "../../src/control/control_connection.ts";
import { ControlError } from "../../src/server/control.ts";
import { RawControl } from "../support/raw_control.ts";
import { messageOf, streamRequest } from "../support/requests.ts";
import { inSteps } from "../support/steps.ts";
import { TestServer } from "../support/test_server.ts";
import { until } from "../support/until.ts";

/** Puts async operations into the queue of the plugin echo. */
async function enqueue(server: TestServer, count: number, params = {}): Promise<void> {
  using connection = await server.connect();
  for (let id = 1; id <= count; id++) {
    await connection.send(streamRequest({ id, command: 1001, sync: false, params }));
  }
  assertEquals((await connection.replies(count)).map(({ code }) => code), Array(count).fill(1000));
}

Deno.test("the control socket is its owner's alone, and gone after the stop", async () => {
  const server = await TestServer.start({ control: true });
  assertEquals((Deno.lstatSync(server.controlPath).mode ?? 0) & 0o777, 0o600);
  await server.server.stop();
  await assertRejects(() => Deno.lstat(server.controlPath), Deno.errors.NotFound);
  await server[Symbol.asyncDispose]();
});

Deno.test(
  "the control socket does what it is told, line by line",
  inSteps(() => TestServer.start({ control: true }), {
    "a plugin is found by name and by number, pauses, is looked at, purged and resumes": async (server) => {
      using control = await server.control();
      assertEquals(await control.ask({ command: "pause", plugin: "3" }), {
        ok: true,
        result: { plugin: "echo", paused: true, before: false, queued: 0 },
      });
      await enqueue(server, 5, { a: 1 });
      const { result: peeked } = await control.ask({ command: "peek", plugin: "echo", limit: 2 });
      const { total, operations } = peeked as {
        total: number;
        operations: { id: number; params: unknown }[];
      };
      assertEquals([total, operations.length, operations[0]?.params], [5, 2, { a: 1 }]);
      assertEquals(await control.ask({ command: "cancel", plugin: "echo", id: operations[0]?.id ?? -1 }), {
        ok: true,
        result: { plugin: "echo", id: operations[0]?.id ?? -1, outcome: "cancelled" },
      });
      assertEquals((await control.ask({ command: "purge", plugin: "echo" })).result, {
        plugin: "echo",
        dead: false,
        purged: 4,
        running: 0,
      });
      assertEquals((await control.ask({ command: "resume", plugin: "echo" })).ok, true);
      await enqueue(server, 1);
      await server.until("it runs again", () => server.plugin("echo").done === 1);
    },
    "a line that is no JSON object ends the connection before a second one is read, as a browser's would be":
      async (server) => {
        const lines = [
          "POST / HTTP/1.1\r\nHost: a\r\n\r\n",
          "[]\n",
          "\n",
          "nonsense\n",
          new Uint8Array([0xff, 10]),
        ];
        for (const line of lines) {
          using control = await server.control();
          await control.send(
            Uint8Array.from(`${line}{"command": "pause", "plugin": "echo"}\n`, (char) => char.charCodeAt(0)),
          );
          assertMatch(String((await control.answer()).error), /expected a line with a JSON object|no UTF-8/);
          assertEquals(await control.line(), null);
        }
        assertEquals(server.plugin("echo").paused, false);
      },
    "a huge line is refused at its bound and ends its connection": async (server) => {
      using control = await server.control();
      await control.send(new Uint8Array(MAX_REQUEST_BYTES + 4096).fill(0x20)).catch(() => {});
      assertEquals((await control.answer()).error, `a line has more than ${MAX_REQUEST_BYTES} bytes`);
      assertEquals(await control.line(), null);
    },
    "requests on one connection are answered in their order, however they are cut": async (server) => {
      using control = await server.control();
      const text =
        '{"command": "pause", "plugin": "echo"}\n{"command": "peek", "plugin": "echo"}\n{"command": "nothing"}\n';
      for (const byte of new TextEncoder().encode(text)) await control.send(new Uint8Array([byte]));
      const answers = [await control.answer(), await control.answer(), await control.answer()];
      assertEquals(answers.map(({ ok }) => ok), [true, true, false]);
    },
  }),
);

Deno.test("what a control command cannot do is refused with a sentence, and the connection goes on", async () => {
  await using server = await TestServer.start({
    control: true,
    plugins: [{ name: "skeleton" }, { name: "echo" }],
  });
  using control = await server.control();
  const refusals: [request: Record<string, string | number | boolean>, sentence: string][] = [
    [{ command: "paus", plugin: "echo" }, 'unknown command "paus"; expected one of stats, pause'],
    [{ command: "constructor" }, 'unknown command "constructor"'],
    [{ command: "pause" }, "plugin is missing; expected a text"],
    [{ command: "pause", plugin: "nobody" }, 'there is no plugin "nobody"; there is skeleton, echo'],
    [{ command: "pause", plugin: "echo", limt: 1 }, 'unknown key "limt"; expected command, plugin'],
    [
      { command: "peek", plugin: "echo", limit: 1001 },
      "limit: expected a whole number from 1 to 1000, got 1001",
    ],
    [{ command: "peek", plugin: "echo", dead: "yes" }, 'dead: expected true or false, got "yes"'],
    [{ command: "cancel", plugin: "echo", id: 7 }, "plugin echo has no operation 7"],
    [{ command: "peek", plugin: "x".repeat(5000) }, '"xxx'],
  ];
  for (const [request, sentence] of refusals) {
    const { ok, error } = await control.ask(request);
    assertEquals(ok, false);
    assertStringIncludes(String(error), sentence);
    assert(String(error).length < 300);
  }
  assertEquals((await control.ask({ command: "stats" })).ok, true);
  // The log names each as refused, but for those that only look; and what was done as done.
  assertEquals((await control.ask({ command: "pause", plugin: "echo" })).ok, true);
  server.server.options.log.flush();
  const logged = server.log.map((line) => JSON.parse(line)).filter(({ message }) =>
    /^control: /.test(message)
  );
  const looks = refusals.filter(([{ command }]) => command === "peek").length;
  assertEquals(logged.map(({ message }) => message), [
    ...Array.from({ length: refusals.length - looks }, () => "control: refused"),
    "control: pause",
  ]);
  assertEquals(logged[3].level, "warn");
  assertEquals([logged[3].request, logged[3].reason], [
    '{"command":"pause","plugin":"nobody"}',
    'there is no plugin "nobody"; there is skeleton, echo',
  ]);
});

Deno.test("one connection too many is told so, and one that ends makes room", async () => {
  await using server = await TestServer.start({ control: true });
  const all: RawControl[] = [];
  for (let count = 0; count < MAX_CONTROL_CONNECTIONS; count++) {
    const control = await server.control();
    assertEquals((await control.ask({ command: "stats" })).ok, true);
    all.push(control);
  }
  {
    using further = await server.control();
    assertStringIncludes(String((await further.answer()).error), "there are 8 control connections already");
    assertEquals(await further.line(), null);
  }
  assertEquals(server.stats().limits["control_connections"], 1);
  all[0]?.socket.close();
  let found = false;
  await until("there is room again", () => {
    if (!found) {
      server.control().then(async (control) => {
        await control.ask({ command: "stats" }).then(({ ok }) => found ||= ok === true, () => {});
        control.socket.close();
      });
    }
    return found;
  });
  for (const control of all.slice(1)) control.socket.close();
});

Deno.test("control over TCP is there only where it is configured, and the log warns of it", async () => {
  await using server = await TestServer.start({ server: { control_tcp: "127.0.0.1:0" } });
  const [address = ""] = server.server.controlAddresses;
  assertMatch(address, /^tcp 127\.0\.0\.1:\d+$/);
  assertStringIncludes(
    server.log.join(""),
    "whoever reaches this address may pause, purge and stop the server",
  );
  using control = new RawControl(
    await Deno.connect({ hostname: "127.0.0.1", port: Number(address.split(":")[1]) }),
  );
  assertEquals((await control.ask({ command: "pause", plugin: "echo" })).ok, true);
  await assertRejects(
    () => TestServer.start({ server: { control: "127.0.0.1:26001" } }),
    ControlError,
    'control: expected a path, "auto" or "none", got "127.0.0.1:26001"; control_tcp takes an address',
  );
});

Deno.test("dead letters are listed and put back by control commands", async () => {
  const source = `
    let calls = 0;
    export default { name: "once", commands: { 1001: { name: "run", run(context) {
      if (calls++ === 0) throw context.fail(30, "not the first time");
    } } } };`;
  await using server = await TestServer.start({ control: true, plugins: [{ name: "once", source }] });
  using connection = await server.connect();
  await connection.send(streamRequest({ id: 1, plugin: "once", command: 1001, sync: false }));
  await server.until("it is dead", () => server.plugin("once").dead === 1);
  using control = await server.control();
  const { result } = await control.ask({ command: "peek", plugin: "once", dead: true });
  const { dead } = result as { dead: { error: string }[] };
  assertEquals(dead.map(({ error }) => error), ["not the first time"]);
  assertEquals((await control.ask({ command: "retry-dead", plugin: "once" })).result, {
    plugin: "once",
    retried: 1,
    left: 0,
  });
  await server.until("it is done", () => server.plugin("once").done === 1);
});

Deno.test("one dead letter is put back or dropped by its id, the others stay; what is not there, or has no room, is refused and kept", async () => {
  const source = `export default { name: "fails", commands: { 1001: { name: "run", run(context) {
    throw context.fail(30, "not " + context.params.int("n"));
  } } } };`;
  await using server = await TestServer.start({
    control: true,
    plugins: [{ name: "fails", source, queue: { maxOps: 1, maxBytes: 1e6 } }],
  });
  using connection = await server.connect();
  for (let n = 1; n <= 4; n++) {
    await connection.send(streamRequest({ plugin: "fails", sync: false, params: { n } }));
    await connection.reply();
    await server.until("it is dead", () => server.plugin("fails").dead === n);
  }
  using control = await server.control();
  const ask = async (command: string, rest: JsonObject) => {
    const { result, error } = await control.ask({ command, plugin: "fails", ...rest });
    return result ?? error;
  };
  const shown = async () => {
    const { dead } = await ask("peek", { dead: true }) as { dead: { id: number; error: string }[] };
    return dead.map(({ id, error }) => `${id}: ${error}`);
  };
  assertEquals(await ask("purge", { dead: true, id: 2 }), {
    plugin: "fails",
    dead: true,
    purged: 1,
    running: 0,
  });
  assertEquals(await shown(), ["1: not 1", "3: not 3", "4: not 4"]);
  assertEquals(await ask("retry-dead", { id: 3 }), { plugin: "fails", retried: 1, left: 2 });
  await server.until("it has failed again", () => server.plugin("fails").dead === 3);
  assertEquals(await shown(), ["1: not 1", "4: not 4", "5: not 3"], "it was accepted anew");
  const none =
    "plugin fails has no dead letter 3: it was retried or dropped, or never was; peek --dead shows those there are";
  assertEquals([await ask("retry-dead", { id: 3 }), await ask("purge", { dead: true, id: 3 })], [none, none]);
  assertStringIncludes(String(await ask("purge", { id: 4 })), "cancel takes one operation out of the queue");
  assertEquals(await ask("retry-dead", { id: 4, limit: 1 }), "give an id or a limit, not both");
  assertStringIncludes(String(await ask("retry-dead", { id: "4" })), "id: expected a whole number");
  server.server.registry.plugins[0]!.pause();
  await connection.send(streamRequest({ plugin: "fails", sync: false, params: { n: 5 } }));
  await connection.reply();
  assertEquals(
    await ask("retry-dead", { id: 4 }),
    "the queue of plugin fails has no room for it now; it is kept",
  );
  assertEquals(await shown(), ["1: not 1", "4: not 4", "5: not 3"]);
  assertEquals(await ask("purge", { dead: true }), { plugin: "fails", dead: true, purged: 3, running: 1 });
});

Deno.test("a line is the same however its bytes are cut, and no line is over its bound", () => {
  const cuts = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 });
  const texts = fc.array(
    fc.string({ unit: "binary", maxLength: 40 }).map((text) => text.replaceAll("\n", "")),
  );
  fc.assert(fc.property(texts, cuts, (lines, sizes) => {
    const reader = new LineReader(200);
    const bytes = new TextEncoder().encode(lines.map((line) => `${line}\n`).join(""));
    const read: string[] = [];
    for (let at = 0, cut = 0; at < bytes.length; cut++) {
      const end = at + sizes[cut % sizes.length]!;
      read.push(...reader.push(bytes.subarray(at, end)));
      at = end;
    }
    // A byte order mark at the start of a text is not part of it.
    assertEquals(read, lines.map((line) => line.replace(/^\uFEFF/, "")));
    assertEquals(reader.isPartial, false);
  }));
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
    try {
      for (const line of new LineReader(32).push(bytes)) assert(new TextEncoder().encode(line).length <= 32);
    } catch (error) {
      assert(error instanceof LineError);
    }
  }));
});

Deno.test("a server that stops tells sync and async callers so, with 21", async () => {
  await using server = await TestServer.start({ control: true, server: { drain_timeout: "5s" } });
  using connection = await server.connect();
  await connection.send(streamRequest({ id: 1, command: 1003, params: { ms: 300 } }));
  await server.until("it runs", () => server.plugin("echo").in_flight === 1);
  using control = await server.control();
  assertEquals((await control.ask({ command: "stop" })).result, {
    left: 1,
    paused: [],
    drain_timeout_ms: 5000,
  });
  const stats = (await control.ask({ command: "stats" })).result as { state: string };
  assertEquals(stats.state, "draining");
  await connection.send(streamRequest({ id: 2 }), streamRequest({ id: 3, sync: false }));
  const replies = await connection.replies(3);
  assertEquals(replies.map(({ id, code }) => [id, code]), [[2, 21], [3, 21], [1, 1000]]);
  assertEquals(messageOf(replies[0]!), "the server is stopping and takes no new operations");
  assertEquals((await server.server.ended).abandoned, 0);
});

Deno.test("a drain tells how far it is, then how it went, and then its connection ends", async () => {
  await using server = await TestServer.start({ control: true, server: { drain_timeout: "20s" } });
  using control = await server.control();
  using connection = await server.connect();
  await connection.send(streamRequest({ id: 1, command: 1003, params: { ms: 700 }, sync: false }));
  await server.until("it runs", () => server.plugin("echo").in_flight === 1);
  await control.send('{"command": "drain"}\n');
  assertEquals(JSON.parse(await control.line() ?? "null"), { progress: { left: 1, paused: [] } });
  assertEquals((await control.answer()).result, {
    pending: 1,
    done: 1,
    abandoned: 0,
    kept: 0,
    unstopped: [],
  });
  assertEquals(await control.line(), null);
});

Deno.test("a stop that is to be at once gives up what is left, also where a drain is under way", async () => {
  await using server = await TestServer.start({ control: true, server: { drain_timeout: "20s" } });
  using draining = await server.control();
  using stopping = await server.control();
  using connection = await server.connect();
  await connection.send(streamRequest({ id: 1, command: 1003, params: { ms: 20_000 }, sync: false }));
  // What a worker has not begun would go back when its plugin is paused.
  const echo = server.server.registry.plugins.find(({ name }) => name === "echo")!;
  await server.until("it runs", () => echo.peek(1)[0]?.state === "running");
  await draining.ask({ command: "pause", plugin: "echo" });
  await enqueue(server, 2);
  await draining.send('{"command": "drain"}\n');
  assertEquals(JSON.parse(await draining.line() ?? "null"), { progress: { left: 3, paused: ["echo"] } });
  const expected = { ok: true, result: { pending: 3, done: 0, abandoned: 3, kept: 0, unstopped: [] } };
  assertEquals(await stopping.ask({ command: "stop", now: true }), expected);
  assertEquals(await draining.answer(), expected);
  assertEquals(await server.server.ended, { pending: 3, abandoned: 3, kept: 0, unstopped: [] });
});

Deno.test("a drain does not wait for a retry that is due when its time is over, and gives it up", async () => {
  const source =
    `export default { name: "bad", commands: { 1001: { name: "fail", run() { throw new Error("no"); } } } };`;
  const hour = 3_600_000;
  const retry = { maxAttempts: 3, backoff: hour, maxBackoff: hour };
  await using server = await TestServer.start({
    server: { drain_timeout: "20s" },
    plugins: [{ name: "bad", source, retry }],
  });
  using connection = await server.connect();
  await connection.send(streamRequest({ id: 1, plugin: "bad", command: 1001, sync: false }));
  await server.until("it is to be tried again", () => server.plugin("bad").retrying === 1);
  const before = performance.now();
  assertEquals(await server.server.stop(), { pending: 1, abandoned: 1, kept: 0, unstopped: [] });
  assertLess(performance.now() - before, 5000);
});

Deno.test("a control connection that does not read its answers holds up no other one, and no stop", async () => {
  const server = await TestServer.start({ control: true });
  const deaf = await server.control();
  await deaf.ask({ command: "pause", plugin: "echo" });
  await enqueue(server, 500, { text: "x".repeat(900) });
  for (let count = 0; count < 4; count++) {
    await deaf.send('{"command": "peek", "plugin": "echo", "limit": 1000}\n');
  }
  using other = await server.control();
  assertEquals((await other.ask({ command: "stats" })).ok, true);
  const before = performance.now();
  assertEquals((await other.ask({ command: "stop", now: true })).result, {
    pending: 500,
    done: 0,
    kept: 0,
    abandoned: 500,
    unstopped: [],
  });
  await server.server.ended;
  assertLess(performance.now() - before, 5000);
  deaf.socket.close();
  await server[Symbol.asyncDispose]();
});
