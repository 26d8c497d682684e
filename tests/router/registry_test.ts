import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { Encoding } from "../../src/protocol/body.ts";
import { knownNames } from "../../src/router/known_names.ts";
import { messageOf, streamRequest, valueOf } from "../support/requests.ts";
import { TestServer } from "../support/test_server.ts";

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

Deno.test("who asks for a plugin or a command that is not there is told, in few words, what is", async () => {
  const many = Object.fromEntries(Array.from({ length: 90 }, (_, at) => [2001 + at, { name: `c${at}` }]));
  await using server = await TestServer.start({
    plugins: [{ name: "first", source: WHO }, {
      name: "many",
      source: `export default { name: "many", commands: Object.fromEntries(
        Object.entries(${
        JSON.stringify(many)
      }).map(([number, { name }]) => [number, { name, run: () => {} }])) };`,
    }],
  });
  using connection = await server.connect();
  const told = async (plugin: string, command: number) => {
    await connection.send(streamRequest({ plugin, command, encoding: Encoding.Json }));
    const reply = await connection.reply();
    assertEquals(reply.code, 18);
    return messageOf(reply);
  };
  assertEquals(await told("frist", 1001), 'there is no plugin "frist"; there is first, many');
  assertEquals(await told("first", 7), "plugin first has no command 7; it has 1001 who");
  const commands = await told("many", 1001);
  assertMatch(commands, /^plugin many has no command 1001; it has 2001 c0, 2002 c1, .* and \d+ more$/);
  assert(commands.length < 300, commands);
});

Deno.test("a list of names is cut where it grows long, and says by how many", () => {
  assertEquals(knownNames([]), "none");
  assertEquals(knownNames(["a"]), "a");
  assertEquals(knownNames(["a".repeat(300), "b"]), `${"a".repeat(300)} and 1 more`);
  fc.assert(fc.property(fc.array(fc.stringMatching(/^[a-z]{1,30}$/), { minLength: 1 }), (names) => {
    const [, listed = "", more = "0"] = /^(.*?)(?: and (\d+) more)?$/.exec(knownNames(names))!;
    const shown = listed.split(", ");
    assertEquals(shown, names.slice(0, shown.length));
    assertEquals(shown.length + Number(more), names.length);
    assert(listed.length <= 200);
  }));
});
