import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { parseJson } from "../../src/exact_json.ts";
import type { Identity } from "../../src/auth/identity.ts";
import type { JsonObject } from "../../src/plugin.ts";
import { encodeContent, Encoding } from "../../src/protocol/body.ts";
import { OperationStates } from "../../src/router/operation_states.ts";
import { OperationState } from "../../src/router/operation_state.ts";
import { LIVES, lives, livesRequest, startLives } from "../support/lives_plugin.ts";
import { datagramRequest, messageOf, valueOf } from "../support/requests.ts";
import { acceptedId, enqueued, resultRequest, stateOf } from "../support/results.ts";
import { inSteps } from "../support/steps.ts";

const RESULTS = { keep: 3_600_000, maxOps: 100, maxBytes: 1 << 20 };
const NUMBERS = '{"id":9223372036854775807,"exact":0.1234567890123456789,"text":"ü"}';

const DIGITS = encodeContent(
  Encoding.Json,
  new TextEncoder().encode('{"n":1.50,"big":12345678901234567890}'),
);
const PLUGIN = { name: "lives", source: LIVES, concurrency: 4, maxDelay: 60_000 };

Deno.test(
  "an async caller who asks for it is told its operation's id, and by that where it is and what it came to",
  inSteps(() => startLives({ results: RESULTS, concurrency: 4, maxDelay: 60_000 }), {
    "what it came to comes back with all digits, in every encoding": async (_, connection) => {
      const id = await enqueued(connection, { params: parseJson(NUMBERS) });
      const state = await stateOf(connection, id, 10);
      const { accepted_at, ended_at, ...rest } = state;
      const result = parseJson(NUMBERS);
      assertEquals(rest, {
        id,
        plugin: "lives",
        command: 1001,
        state: "done",
        attempts: 1,
        code: 1000,
        result,
      });
      assert(String(accepted_at) <= String(ended_at));
      assert(Math.abs(Date.parse(String(ended_at)) - Date.now()) < 60_000);
      await connection.send(resultRequest({ id }, { encoding: Encoding.Hdf }));
      const hdf = await connection.reply();
      assertEquals([hdf.code, (valueOf(hdf) as JsonObject).result], [1000, result]);
      await connection.send(resultRequest({ id }, { encoding: Encoding.Cells, sync: false }));
      const cells = valueOf(await connection.reply()) as JsonObject;
      assertEquals((cells.result as JsonObject).id, 9223372036854775807n);
    },
    "results of HDF and cells are found in JSON": async (_, connection) => {
      for (const encoding of [Encoding.Hdf, Encoding.Cells]) {
        const id = await enqueued(connection, { encoding, params: { user: { name: "Ann" } } });
        assertEquals((await stateOf(connection, id, 10)).result, { user: { name: "Ann" } });
      }
    },
    "who does not ask is answered as ever, and a sync request as well": async (_, connection) => {
      await connection.send(livesRequest({ id: 5, sync: false }));
      assertEquals([...(await connection.frame())!], [0, 0, 0, 12, 0, 0, 0, 5, 0, 0, 3, 232]);
      const sync = livesRequest({ id: 6, params: { a: 1 } });
      sync[11]! |= 4;
      await connection.send(sync);
      assertEquals(valueOf(await connection.reply()), { a: 1 });
    },
    "whoever waits is told when it has ended, however many they are, and sooner where the time is over":
      async (
        server,
        connection,
      ) => {
        const id = await enqueued(connection, { command: 1007 });
        await server.until("it runs", () => server.plugin("lives").in_flight === 1);
        const { state, attempts, ended_at } = await stateOf(connection, id, 0.02);
        assertEquals([state, attempts, ended_at], ["running", 0, undefined]);
        using other = await server.connect();
        await other.send(resultRequest({ id, wait: "60" }), resultRequest({ id, wait: 60 }, { id: 2 }));
        // Its answer says that the others wait.
        await stateOf(connection, id);
        await connection.send(livesRequest({ command: 101, params: { cachekey: "open", cacheval: "1" } }));
        assertEquals((await connection.reply()).code, 1000);
        for (const reply of await other.replies(2)) {
          const { state, code, error } = valueOf(reply) as JsonObject;
          assertEquals([state, code, error], ["dead", 40, "let go"]);
        }
      },
    "a dead letter that is tried again leads to the operation that it has become": async (
      server,
      connection,
    ) => {
      const id = await enqueued(connection, { command: 1002, params: { n: 1 } });
      const { state, error, attempts } = await stateOf(connection, id, 10);
      assertEquals([state, error, attempts], ["dead", "not today", 1]);
      const number = lives(server).peekDead(10).at(-1)!;
      assertEquals(number.operation, id);
      assertEquals(lives(server).retryOne(number.id), "retried");
      const { state: after, retried_as } = await stateOf(connection, id);
      assertEquals([after, (await stateOf(connection, String(retried_as), 10)).state], ["failed", "dead"]);
      lives(server).purgeDead();
      assertEquals((await stateOf(connection, String(retried_as))).state, "failed");
    },
    "what waits is queued or delayed, what is cancelled or purged says so, and who waits is told": async (
      server,
      connection,
    ) => {
      const plugin = lives(server);
      plugin.pause();
      const queued = await enqueued(connection);
      const delayed = await enqueued(connection, { params: { "mevent.delay": 50 } });
      const purged = await enqueued(connection);
      const { state, due_in_ms } = await stateOf(connection, delayed);
      assertEquals(state, "delayed");
      assert(Number(due_in_ms) > 30_000 && Number(due_in_ms) <= 50_000);
      assertEquals((await stateOf(connection, queued)).state, "queued");
      assertEquals(plugin.peek(9).map(({ operation }) => operation), [queued, purged, delayed]);
      await connection.send(
        resultRequest({ id: queued, wait: 60 }, { id: 1 }),
        resultRequest({ id: purged, wait: 60 }, { id: 2 }),
      );
      using other = await server.connect();
      await other.send(livesRequest({ command: 103 }));
      await other.reply();
      const find = (operation: string) => plugin.peek(9).find((each) => each.operation === operation)!.id;
      assertEquals([plugin.cancel(find(queued)), plugin.purge()], ["cancelled", 2]);
      const errors = (await connection.replies(2)).map((reply) => {
        const { state, error } = valueOf(reply) as JsonObject;
        return `${reply.id} ${state}: ${error}`;
      });
      assertEquals(errors.sort(), [
        "1 cancelled: the operation was cancelled before it ran",
        "2 cancelled: the operation was purged from the queue before it ran",
      ]);
      plugin.resume();
    },
    "what runs and is cancelled says so, with what it threw": async (server, connection) => {
      const id = await enqueued(connection, { command: 1003 });
      // A worker that was given it may not have begun: then it is taken back.
      await server.until("it runs", () => server.plugin("lives").counters["hangs"] === 1);
      const [running] = lives(server).peek(1);
      assertEquals([running!.operation, lives(server).cancel(running!.id)], [id, "cancelling"]);
      const { state, code, error } = await stateOf(connection, id, 10);
      assertEquals([state, code, error], ["cancelled", 14, "the operation was cancelled"]);
    },
    "what is wrong is said, and what nobody knows": async (server, connection) => {
      const known = await enqueued(connection);
      const ask = async (params: JsonObject) => {
        await connection.send(resultRequest(params));
        const reply = await connection.reply();
        return `${reply.code} ${messageOf(reply)}`;
      };
      assertEquals(await ask({}), "23 the param id is to be the id of an operation, a text");
      assertStringIncludes(await ask({ id: "x y" }), '23 "x y" is no operation\'s id: one is as an async');
      assertStringIncludes(
        await ask({ id: "x".repeat(5000) }),
        `23 "${"x".repeat(80)}…" is no operation's id`,
      );
      assertEquals(await ask({ id: known, wait: 61 }), "23 wait is 61 seconds; 60 at most");
      assertStringIncludes(
        await ask({ id: known, wait: -1 }),
        "23 wait is to be a number of seconds, 0 or more",
      );
      assertMatch(
        await ask({ id: known.replace(/^./, (digit) => digit === "0" ? "1" : "0") }),
        /^24 nothing is known of operation/,
      );
      const [run, second] = known.split("-");
      const none =
        `24 operation ${run}-${second}-zzz of plugin lives has ended, or never was: what it came to is known for 1h`;
      assertStringIncludes(await ask({ id: `${run}-${second}-zzz` }), none);
      // The number is known, the time is another.
      assertStringIncludes(await ask({ id: known.replace(/-\w+-/, "-zzz-") }), "24 operation");
      assertEquals(server.plugin("lives").results_asked > 0, true);
    },
    "over UDP a request that is too short for the id is told that it was accepted, and a long one the id":
      async (
        server,
        connection,
      ) => {
        using datagrams = server.datagrams();
        const request = { plugin: "lives", sync: false, wantsId: true, encoding: Encoding.Cells, params: {} };
        const short = datagramRequest(request);
        await datagrams.send(short);
        assertEquals((await datagrams.reply()).body, null);
        const long = new Uint8Array(400);
        long.set(short);
        await datagrams.send(long);
        const id = acceptedId(await datagrams.reply());
        assertEquals((await stateOf(connection, id, 10)).state, "done");
      },
    "the server's own function tells the same, with the result's text as it came, and ends with its signal":
      async (
        server,
        connection,
      ) => {
        const { registry } = server.server;
        const now = () => performance.now();
        const states = new OperationStates({ plugins: () => registry.holders, now, clock: Date.now });
        const id = await enqueued(connection, { body: DIGITS });
        const first = states.state(id);
        assert(first instanceof OperationState);
        const done = await states.wait(first, 10_000);
        assert(done instanceof OperationState);
        assertStringIncludes(done.toJson(), ',"code":1000,"result":{"n":1.50,"big":12345678901234567890}}');
        const hanging = states.state(await enqueued(connection, { command: 1003 }));
        assert(hanging instanceof OperationState);
        const controller = new AbortController();
        const waiting = states.wait(hanging, 60_000, controller.signal);
        controller.abort();
        assertEquals(await waiting, hanging);
        assertEquals(lives(server).results!.waiting, 0);
        lives(server).cancel(hanging.number);
      },
    "who may neither call nor enqueue is told what one is told of an operation that never was": async (
      server,
      connection,
    ) => {
      const { registry } = server.server;
      const states = new OperationStates({
        plugins: () => registry.holders,
        now: () => performance.now(),
        clock: Date.now,
      });
      const id = await enqueued(connection);
      const whoMay = (...rights: string[]): Identity => ({
        name: "somebody",
        problem: null,
        isOver: false,
        exceeded: "rate",
        may: (action, plugin) => rights.includes(`${action}:${plugin}`),
        take: () => true,
      });
      for (const right of ["call:lives", "enqueue:lives"]) {
        assert(states.stateFor(whoMay(right), id) instanceof OperationState);
      }
      const refused = states.stateFor(whoMay("call:other", "stats:lives", "control:lives"), id);
      const [run, ...rest] = id.split("-");
      const other = [run!.replace(/^./, (digit) => digit === "0" ? "1" : "0"), ...rest].join("-");
      const unknown = states.state(other);
      assert(!(refused instanceof OperationState) && !(unknown instanceof OperationState));
      assertEquals([refused.code, refused.message.replace(id, other)], [unknown.code, unknown.message]);
    },
    "the newest are kept, exactly as many as may be, and the figures say so": async (server, connection) => {
      const ids: string[] = [];
      for (let count = 0; count < 130; count++) ids.push(await enqueued(connection));
      await stateOf(connection, ids.at(-1)!, 10);
      await server.until("all are done", () => server.plugin("lives").in_flight === 0);
      const { results, results_bytes, results_dropped } = server.plugin("lives");
      assertEquals(results, 100);
      assert(results_dropped >= 30 && results_bytes > 0);
      await connection.send(resultRequest({ id: ids[0]! }));
      assertEquals((await connection.reply()).code, 24);
      assertEquals((await stateOf(connection, ids[129]!)).state, "done");
    },
    "what is larger than all that is kept is left out, and that is said": async (server, connection) => {
      await server.reload({ plugins: [{ ...PLUGIN, results: { ...RESULTS, maxBytes: 1024 } }] });
      const id = await enqueued(connection, { params: { text: "x".repeat(2000) } });
      const { state, code, result, lost } = await stateOf(connection, id, 10);
      assertEquals([state, code, result], ["done", 1000, undefined]);
      assertEquals(lost, "what it came to was larger than results.max_bytes");
    },
    "a plugin that keeps nothing any more tells of what has not ended alone": async (server, connection) => {
      const id = await enqueued(connection, { command: 1003 });
      await server.until("it runs", () => server.plugin("lives").in_flight > 0);
      const waiting = stateOf(connection, id, 60);
      await server.until("somebody waits", () => lives(server).results!.waiting === 1);
      await server.reload({ plugins: [{ ...PLUGIN, results: { ...RESULTS, keep: 0 } }] });
      assertEquals((await waiting).state, "running");
      assertEquals((await stateOf(connection, id, 60)).state, "running");
      await connection.send(livesRequest({ sync: false, wantsId: true }));
      assertEquals((valueOf(await connection.reply()) as JsonObject).keep_ms, 0);
      lives(server).cancel(lives(server).peek(1)[0]!.id);
      await server.until("it has ended", () => server.plugin("lives").in_flight === 0);
      await connection.send(resultRequest({ id }));
      const reply = await connection.reply();
      assertEquals(reply.code, 24);
      assertStringIncludes(
        messageOf(reply),
        'the plugin keeps no results: give it results = { keep = "1h" }',
      );
    },
  }),
);
