import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { JsonObject } from "../../src/plugin.ts";
import { isFromHost } from "../../src/thread/from_host.ts";
import { streamRequest, valueOf } from "../support/requests.ts";
import { TestServer } from "../support/test_server.ts";

/** In UTF-16 units, with the quotes. */
const RESULT = 1024 * 1024;
const CALLS = 80;

/** Calls many times and takes no reply before there is a file. */
const CALLER = `
export default {
  name: "a", concurrency: 4,
  commands: {
    1001: { name: "busy", run: async ({ call, config, params, stats }) => {
      const calls = Array.from({ length: params.int("calls") }, () => call("b", 1001).then(({ length }) => ({ length }), ({ code, message }) => ({ code, message })));
      for (;;) {
        try { Deno.statSync(config.file); break; } catch { Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5); }
      }
      return await Promise.all(calls);
    } },
    1002: { name: "in turn", run: async ({ call, params }) => {
      let length = 0;
      for (let n = 0; n < params.int("calls"); n++) length += (await call("b", 1001)).length;
      return length;
    } },
  },
};`;
const CALLED =
  `export default { name: "b", concurrency: 8, commands: { 1001: { name: "long", run: () => "x".repeat(${
    RESULT - 2
  }) } } };`;

for (const [isolation, most] of [["worker", 64], ["process", 16]] as const) {
  Deno.test(`replies that a worker does not take are bounded together, with an error for what goes beyond (${isolation})`, async () => {
    const folder = await Deno.makeTempDir();
    const file = `${folder}/go`;
    try {
      const none = {
        net: false,
        write: false,
        env: false,
        run: false,
        sys: false,
        ffi: false,
        import: false,
      };
      await using server = await TestServer.start({
        server: { max_frame: "2 MiB" },
        plugins: [
          {
            name: "a",
            source: CALLER,
            isolation,
            config: { file },
            permissions: { ...none, read: [folder] },
          },
          { name: "b", source: CALLED },
        ],
      });
      using connection = await server.connect();
      await connection.send(streamRequest({ plugin: "a", params: { calls: CALLS } }));
      await server.until("all are answered", () => server.plugin("b").done === CALLS);
      await Deno.writeTextFile(file, "");
      const outcomes = valueOf(await connection.reply()) as JsonObject[];
      assertEquals(outcomes.filter(({ length }) => length === RESULT - 2).length, most);
      const refused = outcomes.filter(({ code }) => code === 22);
      assertEquals(refused.length, CALLS - most);
      for (const { message } of refused) {
        assertStringIncludes(
          String(message),
          `b 1001 answered 22: its reply of ${RESULT} characters finds no room`,
        );
      }
      // Those that are taken leave room for others, more than fit in together.
      await connection.send(streamRequest({ plugin: "a", command: 1002, params: { calls: CALLS } }));
      assertEquals(valueOf(await connection.reply()), CALLS * (RESULT - 2));
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

Deno.test("a worker says how much it has taken in whole numbers", () => {
  assert(isFromHost({ kind: "taken", chars: 0 }));
  for (const chars of [-1, 1.5, NaN, "1", undefined]) assert(!isFromHost({ kind: "taken", chars }));
});
