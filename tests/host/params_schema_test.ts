import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type } from "arktype";
import * as v from "valibot";
import { z } from "zod";
import type { Context, JsonObject, Output, Plugin, StandardSchema } from "../../src/plugin.ts";
import { decodeBody, encodeBody, encodeContent, Encoding } from "../../src/protocol/body.ts";
import type { RawConnection } from "../support/raw_connection.ts";
import { messageOf, streamRequest, valueOf } from "../support/requests.ts";
import { inSteps } from "../support/steps.ts";
import { TestServer } from "../support/test_server.ts";

// A plugin would bundle the two that mevent does not provide, and so does not get by an import().
const SOURCE = `
import * as v from "valibot";
const take = new Function("name", "return import(name)");
const [{ type }, { z }] = await Promise.all([take("arktype"), take("zod")]);

const item = { name: "a", price: 1 };
const own = (validate) => ({ "~standard": { version: 1, vendor: "own", validate } });
const tell = { name: "tell", run: ({ input, params }) => ({ input, given: params.all() }) };
const many = own(() => ({ issues: Array.from({ length: 9 }, (_, at) => ({ message: "x".repeat(1000), path: ["a", at] })) }));
let runs = 0;

export default {
  name: "p",
  concurrency: 4,
  commands: {
    1001: { ...tell, params: v.object({ items: v.array(v.object({ name: v.string(), price: v.number() })), note: v.optional(v.string(), "none") }) },
    1002: { ...tell, params: z.object({ items: z.array(z.object({ name: z.string(), price: z.number() })), note: z.string().default("none") }) },
    1003: { ...tell, params: type({ items: type({ name: "string", price: "number" }).array(), note: "string = 'none'" }) },
    1004: { ...tell, params: z.object({ n: z.coerce.number().refine(async (n) => { await new Promise((done) => setTimeout(done, 5)); return n > 0; }, "is not above 0") }) },
    1005: { ...tell, params: own(() => { throw new Error("the schema is broken"); }) },
    1006: { ...tell, params: own(async () => { throw new Error("the schema is broken later"); }) },
    1007: { ...tell, params: many },
    1008: { ...tell, params: own(() => ({ issues: [] })) },
    1009: { ...tell, params: own(() => ({ issues: [{ message: "all of it" }] })) },
    1010: {
      name: "batch",
      batch: { max: 4, wait: "20s" },
      params: v.object({ n: v.number() }),
      runBatch: (operations) => operations.map(({ input }) => ({ n: input.n, size: operations.length })),
    },
    1011: {
      name: "batch, later",
      batch: { max: 4, wait: "20s" },
      params: z.object({ n: z.number().refine(async (n) => { await 0; return n > 0; }, "is not above 0") }),
      runBatch: (operations) => { runs++; return operations.map(({ input }) => ({ n: input.n, size: operations.length, runs })); },
    },
    1012: { name: "runs", run: () => runs },
    1014: { ...tell, params: v.object({ id: v.bigint() }) },
    1015: { ...tell, params: z.object({ id: z.bigint() }) },
    1013: { name: "hangs", params: own(() => new Promise(() => {})), run: () => {} },
  },
};`;

async function start(): Promise<TestServer> {
  return await TestServer.start({ plugins: [{ name: "p", source: SOURCE, timeout: 3000, grace: 50 }] });
}

async function ask(connection: RawConnection, command: number, params: JsonObject) {
  await connection.send(streamRequest({ plugin: "p", command, params }));
  return await connection.reply();
}

Deno.test(
  "params are checked by the schemas of any library",
  inSteps(start, {
    "params are what the schema makes of them, in each library, and what is wrong is told with its path":
      async (_server, connection) => {
        for (const command of [1001, 1002, 1003]) {
          const given = { items: [{ name: "a", price: 1.5 }] };
          const right = await ask(connection, command, given);
          assertEquals([right.code, valueOf(right)], [1000, { input: { ...given, note: "none" }, given }]);
          const wrong = await ask(connection, command, {
            items: [{ name: "a", price: 1 }, { name: "b", price: "x" }],
          });
          assertEquals(wrong.code, 23);
          assertStringIncludes(messageOf(wrong), 'param "items.1.price": ');
          assertMatch(messageOf(wrong), /number/i);
          const missing = await ask(connection, command, {});
          assertEquals(missing.code, 23);
          assertStringIncludes(messageOf(missing), 'param "items": ');
        }
      },
    "the params of HDF are checked as the text they are": async (_server, connection) => {
      const body = encodeBody(Encoding.Hdf, { n: "7" });
      await connection.send(streamRequest({ plugin: "p", command: 1004, body }));
      assertEquals((await connection.reply()).code, 1000);
      await connection.send(
        streamRequest({ plugin: "p", command: 1001, body: encodeBody(Encoding.Hdf, { items: "7" }) }),
      );
      const reply = await connection.reply();
      assertEquals(reply.code, 23);
      assertStringIncludes(messageOf(reply), 'param "items": ');
    },
    "a schema gets whole numbers beyond 2^53 as bigints, and is not asked where a number is one that nothing holds":
      async (_server, connection) => {
        for (const command of [1014, 1015]) {
          for (const id of [9007199254740992n, 1234567890123456789n]) {
            const { code, body } = await ask(connection, command, { id });
            assertEquals([code, decodeBody(body)], [1000, { input: { id }, given: { id } }]);
          }
          const small = await ask(connection, command, { id: 7 });
          assertEquals(small.code, 23);
          assertStringIncludes(messageOf(small), 'param "id": ');
          const body = encodeContent(Encoding.Json, new TextEncoder().encode('{"id":7,"other":[1e400]}'));
          await connection.send(streamRequest({ plugin: "p", command, body }));
          const other = await connection.reply();
          assertEquals([other.code, messageOf(other)], [
            23,
            'param "other.0" is 1e400, which no double holds: send it as a text',
          ]);
        }
      },
    "a schema that throws is answered 14, what it finds wrong is bounded and never empty": async (
      _server,
      connection,
    ) => {
      const thrown = await ask(connection, 1005, {});
      assertEquals([thrown.code, messageOf(thrown)], [14, "the schema is broken"]);
      const rejected = await ask(connection, 1006, {});
      assertEquals([rejected.code, messageOf(rejected)], [14, "the schema is broken later"]);
      const many = await ask(connection, 1007, {});
      assertEquals(many.code, 23);
      assertMatch(messageOf(many), /^param "a.0": x+…; param "a.1": x+…; param "a.2": x+…; and 6 more$/);
      assertEquals(messageOf(many).length < 1000, true);
      const none = await ask(connection, 1008, {});
      assertEquals([none.code, messageOf(none)], [23, "the params are wrong"]);
      const whole = await ask(connection, 1009, {});
      assertEquals([whole.code, messageOf(whole)], [23, "params: all of it"]);
    },
    "each operation of a batch is checked by itself, those that are wrong are not part of it": async (
      _server,
      connection,
    ) => {
      const send = (command: number, ns: (number | string)[]) =>
        connection.send(...ns.map((n, id) => streamRequest({ id, plugin: "p", command, params: { n } })));
      await send(1010, [1, "x", 2, 3, "y", 4]);
      const replies = (await connection.replies(6)).sort((a, b) => a.id - b.id);
      assertEquals(replies.map(({ code }) => code), [1000, 23, 1000, 1000, 23, 1000]);
      assertEquals(valueOf(replies[5]!), { n: 4, size: 4 });
      assertStringIncludes(messageOf(replies[1]!), 'param "n": ');
      await send(1011, [1, -1, 2, -2]);
      const later = (await connection.replies(4)).sort((a, b) => a.id - b.id);
      assertEquals(later.map(({ code }) => code), [1000, 23, 1000, 23]);
      assertEquals(valueOf(later[2]!), { n: 2, size: 2, runs: 1 });
      await send(1011, [-1, -2, -3, -4]);
      assertEquals((await connection.replies(4)).map(({ code }) => code), [23, 23, 23, 23]);
      assertEquals(valueOf(await ask(connection, 1012, {})), 1, "a batch that is empty is not run");
    },
    "a schema that takes its time is waited for": async (server, connection) => {
      const right = await ask(connection, 1004, { n: "7" });
      assertEquals([right.code, valueOf(right)], [1000, { input: { n: 7 }, given: { n: "7" } }]);
      const wrong = await ask(connection, 1004, { n: -1 });
      assertEquals([wrong.code, messageOf(wrong)], [23, 'param "n": is not above 0']);
      const late = await ask(connection, 1013, {});
      assertEquals([late.code, messageOf(late)], [
        14,
        "the operation took longer than its time-out of 3000 ms",
      ]);
      await server.until("its worker is replaced", () => server.plugin("p").restarts === 1);
    },
  }),
);

Deno.test("a schema that is none is told when the plugin loads", async () => {
  for (const params of ["{}", "() => true", '{ "~standard": { version: 2, validate() {} } }', "3"]) {
    const source =
      `export default { name: "p", commands: { 1001: { name: "a", params: ${params}, run() {} } } };`;
    let message = "";
    try {
      await using _server = await TestServer.start({ plugins: [{ name: "p", source }] });
    } catch (error) {
      message = String(error);
    }
    assertStringIncludes(message, "command 1001 has `params` that are no schema");
  }
});

Deno.test("what a schema makes of the params is the type of the context's input", () => {
  const valibot = v.object({ n: v.pipe(v.string(), v.transform(Number)) });
  const zod = z.object({ n: z.coerce.number() });
  const arktype = type({ n: "string.numeric.parse" });
  const doubled = (context: Context<{ n: number }>): number => context.input.n * 2;
  const plugin = {
    name: "typed",
    commands: {
      1001: {
        name: "a",
        params: valibot,
        run: (context: Context<Output<typeof valibot>>) => doubled(context),
      },
      1002: { name: "b", params: zod, run: (context: Context<Output<typeof zod>>) => doubled(context) },
      1003: {
        name: "c",
        params: arktype,
        run: (context: Context<Output<typeof arktype>>) => doubled(context),
      },
    },
  } satisfies Plugin;
  const schemas: StandardSchema[] = Object.values(plugin.commands).map(({ params }) => params);
  for (const schema of schemas) {
    const result = schema["~standard"].validate({ n: "7" });
    assertEquals("value" in result ? result.value : result, { n: 7 });
  }
});
