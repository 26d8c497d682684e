import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { Encoding } from "../src/protocol/body.ts";
import { streamRequest, valueOf } from "./support/requests.ts";
import { TestServer } from "./support/test_server.ts";

const WHO =
  `export default { name: "any", biz: 9, commands: { 1001: { name: "who", run: (c) => ({ who: c.name, biz: c.biz ?? 0 }) } } };`;

Deno.test("a plugin is found by its whole name or its business number, and by nothing else", async () => {
  const long = "p".repeat(64);
  await using server = await TestServer.start({
    plugins: [{ name: "first", biz: 12, source: WHO }, { name: "überall", source: WHO }, {
      name: long,
      biz: 123,
      source: WHO,
    }],
  });
  using connection = await server.connect();
  const ask = async (plugin: string) => {
    await connection.send(streamRequest({ plugin, encoding: Encoding.Json }));
    const reply = await connection.reply();
    return reply.code === 1000 ? valueOf(reply) : reply.code;
  };
  for (const name of ["first", "12"]) assertEquals(await ask(name), { who: "first", biz: 12 });
  for (const name of ["überall", "9"]) assertEquals(await ask(name), { who: "überall", biz: 9 });
  for (const name of [long, "123"]) assertEquals(await ask(name), { who: long, biz: 123 });
  for (const name of ["firs", "first ", "FIRST", "012", "1", "12 ", `${long}p`, "any", "0x0c", "12.0"]) {
    assertEquals(await ask(name), 18, JSON.stringify(name));
  }
});

Deno.test("two plugins that would answer to the same number stop the start with both names", async () => {
  const error = await assertRejects(() =>
    TestServer.start({ plugins: [{ name: "first", source: WHO }, { name: "second", source: WHO }] })
  );
  for (const part of ["first", "second", "9"]) assertStringIncludes(error.message, part);
});
