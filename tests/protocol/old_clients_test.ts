import { assertEquals, assertStringIncludes } from "@std/assert";
import { encodeContent, Encoding } from "../../src/protocol/body.ts";
import type { RawConnection } from "../support/raw_connection.ts";
import { messageOf, streamRequest, valueOf } from "../support/requests.ts";
import { type PluginOverrides, TestServer } from "../support/test_server.ts";

const ALL: PluginOverrides = {
  name: "all",
  biz: 9,
  exposeTrace: true,
  source: `export default { name: "all", commands: {
    1001: { name: "all", run: (context) => ({ json: JSON.stringify(context.params.all()) }) },
    1002: { name: "raw", run: (context) => context.params.all() },
    1003: { name: "fail", run: () => { throw new Error("one\\ntwo "); } },
  } };`,
};

async function ask(connection: RawConnection, plugin: string, command: number, text: string) {
  const body = encodeContent(Encoding.Hdf, new TextEncoder().encode(text));
  await connection.send(streamRequest({ plugin, command, body }));
  const reply = await connection.reply();
  return { ...reply, text: new TextDecoder().decode(reply.body?.subarray(16, -5)) };
}

Deno.test("clients of old are read as they write and answered what they can read", async (t) => {
  await using server = await TestServer.start({ plugins: [ALL, { name: "echo", module: "builtin:echo" }] });
  using connection = await server.connect();
  const seen = async (text: string) => {
    const reply = await ask(connection, "all", 1001, text);
    return reply.code === 1000 ? JSON.parse(String(Object(valueOf(reply)).json)) : messageOf(reply);
  };

  await t.step("what the functions of PHP send arrives as what it meant", async () => {
    assertEquals(
      await seen('b [type="101"]  = 5\nc [type="101"]  = 0\ni [type="102"]  = \nf [type="104"]  = nan\n'),
      {
        b: true,
        c: false,
        i: 0,
        f: "nan",
      },
    );
    assertEquals(await seen('l [type="108"] {\n1 = x\n2 = y\n}\nn = own\nn.c = child\n'), {
      l: ["x", "y"],
      n: { "": "own", c: "child" },
    });
  });

  await t.step(
    "a byte order mark at the start is taken off, and inside a name refused with its line",
    async () => {
      assertEquals(await seen("\ufeffms = 1\n"), { ms: "1" });
      assertEquals((await ask(connection, "echo", 1001, "\ufeffms = 1\n")).text, "ms = 1\n");
      assertStringIncludes(await seen("a = 1\n\ufeffms = 1\n"), 'HDF line 2: name "\ufeffms" holds U+FEFF');
      await connection.send(
        streamRequest({
          plugin: "all",
          body: encodeContent(Encoding.Json, new TextEncoder().encode('\ufeff{"ms": 1}')),
        }),
      );
      assertEquals(valueOf(await connection.reply()), { json: '{"ms":1}' });
    },
  );

  await t.step(
    "an echo has no attribute but type, and gives an empty node back as an empty value",
    async () => {
      const sent = 'a [nonl="1", type="100", x] << X\none\n two\nX\nb {\n}\nc [y] = 1\n';
      assertEquals(
        (await ask(connection, "echo", 1001, sent)).text,
        'a [type="100"]  << EOM\none\n two\nEOM\nb = \nc = 1\n',
      );
    },
  );

  await t.step("an error of several lines and its trace go out in lines", async () => {
    const { code, text } = await ask(connection, "all", 1003, "");
    assertEquals(code, 14);
    assertEquals(text.includes("nonl"), false);
    assertStringIncludes(text, "errmsg << EOM\n");
    assertStringIncludes(text, "errtrace << EOM\nError: one\ntwo ");
  });

  await t.step("a copy takes the value alone", async () => {
    assertEquals(await seen("u = 1\nu.x = 2\nc := u\nd := nothing\n"), {
      u: { "": "1", x: "2" },
      c: "1",
      d: "",
    });
  });
});

Deno.test("the counters count a stats call and an unknown command as the C daemon did", async () => {
  await using server = await TestServer.start({
    plugins: [{ name: "echo", module: "builtin:echo" }],
  });
  using connection = await server.connect();
  const counters = async () => {
    const { text } = await ask(connection, "echo", 1000, "");
    return text.split("\n").slice(0, 6).join(" ");
  };
  assertEquals(
    await counters(),
    "msg_total = 1 msg_unrec = 0 msg_badparam = 0 msg_stats = 1 proc_suc = 0 proc_fai = 0",
  );
  await ask(connection, "echo", 2999, "");
  await ask(connection, "echo", 500, "");
  await ask(connection, "echo", 101, "cachekey = k\n");
  await ask(connection, "echo", 100, "cachekey = k\n");
  await ask(connection, "echo", 103, "");
  await ask(connection, "echo", 1001, "a = 1\n");
  await ask(connection, "nobody", 1001, "");
  assertEquals(
    await counters(),
    "msg_total = 8 msg_unrec = 2 msg_badparam = 1 msg_stats = 2 proc_suc = 3 proc_fai = 4",
  );
  const { text } = await ask(connection, "Reserve.Status", 1, "");
  assertStringIncludes(text, "net_unk_req = 1\n");
});
