import { assertEquals, assertRejects } from "@std/assert";
import { messageOf, streamRequest, valueOf } from "../support/requests.ts";
import { type PluginOverrides, TestServer } from "../support/test_server.ts";

/** A plugin whose commands stand in its config. */
const FACTORY = `export default ({ name, config }) => {
  if (config.commands === undefined) throw new Error("config.commands is missing");
  const run = ({ command, config }) => ({ name, command, config });
  return Promise.resolve({
    name: "made",
    commands: Object.fromEntries(config.commands.map((number) => [number, { name: "c" + number, run }])),
  });
};`;

function start(overrides: Partial<PluginOverrides>): Promise<TestServer> {
  return TestServer.start({ plugins: [{ name: "p", source: FACTORY, ...overrides }] });
}

Deno.test("a module may export a function that makes the plugin from its config, in a worker and in a child process", async () => {
  for (const isolation of ["worker", "process"] as const) {
    const config = { commands: [1001, 7000] };
    await using server = await start({ config, isolation });
    using connection = await server.connect();
    for (const command of config.commands) {
      await connection.send(streamRequest({ plugin: "p", command }));
      assertEquals(valueOf(await connection.reply()), { name: "p", command, config });
    }
    await connection.send(streamRequest({ plugin: "p", command: 1002 }));
    const reply = await connection.reply();
    assertEquals([reply.code, messageOf(reply).includes("1002")], [18, true]);
  }
});

Deno.test("what such a function throws keeps the plugin from starting, and so does what is no plugin", async () => {
  await assertRejects(() => start({}), Error, "config.commands is missing");
  await assertRejects(() => start({ source: "export default () => 7;" }), Error, "no plugin");
  await assertRejects(
    () => start({ source: "export default () => ({ name: 'x', commands: { 7: {} } });" }),
    Error,
    "command 7 is not a number from 1001 to 65535",
  );
});

Deno.test("a reload with another config makes the plugin anew", async () => {
  await using server = await start({ config: { commands: [1001] } });
  await server.reload({ plugins: [{ name: "p", source: FACTORY, config: { commands: [1002] } }] });
  using connection = await server.connect();
  for (const [command, code] of [[1001, 18], [1002, 1000]] as const) {
    await connection.send(streamRequest({ plugin: "p", command }));
    assertEquals((await connection.reply()).code, code);
  }
});
