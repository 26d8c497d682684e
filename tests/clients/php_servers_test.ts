import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { JsonValue } from "../../src/plugin.ts";
import { phpText, phpValue, runPhp } from "../support/php.ts";
import { clientConfig, extensionTest, serverBlock } from "../support/php_extension.ts";
import { SHOP } from "../support/php_plugin.ts";
import { TestServer } from "../support/test_server.ts";

extensionTest(
  "client.hdf is read with all that such files use, and what is wrong in it is told with its line",
  async (folder) => {
    await Deno.writeTextFile(`${folder}/more.hdf`, "# of another file\nport = 4\n");
    await Deno.mkdir(`${folder}/lib`);
    await Deno.writeTextFile(`${folder}/lib/there.hdf`, "found = yes\n");
    await Deno.writeTextFile(`${folder}/loop.hdf`, '#include "loop.hdf"\n');
    const text = `\uFEFF# servers
hdf.loadpaths.0 = ${folder}/lib
a.b.c = 1   and more
  shop {   # a comment
    0 { passed over
      type = tcp\r
      ip [note="x, ]", other] = 10.0.0.1
#include "more.hdf"
    }
  }
#include "there.hdf"
text << END
two
 ENDING
END
link : shop.0
copy := shop.0.ip
late : after.all
link.extra = set
after.all = late
`;
    const read = (path: string) =>
      phpValue(
        `try { $t = Mevent\\HdfReader::file(${
          phpText(path)
        }); } catch (Mevent\\HdfException $e) { return $e->getMessage(); }
      return Mevent\\Hdf::toExtensionArray($t);`,
      );
    await clientConfig(folder, text);
    const server = { type: "tcp", ip: "10.0.0.1", port: "4", extra: "set" };
    assertEquals(await read(`${folder}/client.hdf`), {
      hdf: { loadpaths: [`${folder}/lib`] },
      a: { b: { c: "1   and more" } },
      shop: [server],
      found: "yes",
      text: "two\n ENDING\n",
      link: server,
      copy: "10.0.0.1",
      late: "late",
      after: { all: "late" },
    });
    const wrong: readonly [string, string][] = [
      ["a = 1\nb\n", "line 2"],
      ["a {\n", "never closed"],
      ["}\n", "closes nothing"],
      ["a << E\nx\n", "has no end"],
      ["a..b = 1\n", "empty level"],
      ["a : b\nb : a\n", "leads back to itself"],
      ["a {\nb : a\n}\n", "leads back to itself"],
      ["a : b\nb : a\na.c = 1\n", "leads back to itself"],
      ["a [type= = 1\n", "attributes"],
      [`#include "${folder}/loop.hdf"\n`, "50 levels"],
      ['#include "nowhere.hdf"\n', 'no file "nowhere.hdf"'],
      [`${"a.".repeat(600)}b = 1\n`, "levels deep"],
    ];
    const messages = [];
    for (const [index, [content]] of wrong.entries()) {
      await Deno.writeTextFile(`${folder}/wrong${index}.hdf`, content);
      messages.push(`${folder}/wrong${index}.hdf`);
    }
    const told = await phpValue(
      `return array_map(function ($path) { try { Mevent\\HdfReader::file($path); return 'read'; } catch (Mevent\\HdfException $e) { return $e->getMessage(); } },
      json_decode(${phpText(JSON.stringify(messages))}));`,
    );
    for (const [index, [, part]] of wrong.entries()) assertStringIncludes((told as string[])[index]!, part);
    assertStringIncludes(String(await read(`${folder}/none.hdf`)), "there is no such file");
  },
);

extensionTest(
  "there is no resource where the config has no server that can be used, and a warning says why",
  async (folder) => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const free = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = free.addr;
    free.close();
    const options = await clientConfig(
      folder,
      `down.0 ${serverBlock("tcp", port)}\nhalf.0 ${serverBlock("tcp", port)}\nhalf.1 ${
        serverBlock("tcp", listener.addr.port)
      }\n` +
        `tipc.0 ${serverBlock("tipc", 1)}\nskeleton.0 ${serverBlock("udp", 1)}\n`,
    );
    const value = await phpValue(
      `$warnings = [];
    set_error_handler(function ($level, $message) use (&$warnings) { $warnings[] = $message; return true; });
    $got = array_map(fn ($name) => is_resource($m = mevent_init_plugin($name)) ?: $m, ['down', 'half', 'tipc', 'nobody', '', [], 'a b']);
    $n = nevent_init_plugin('');
    mevent_trigger(-1, '', 1001, 2);
    $m = mevent_init_plugin('');
    return [$got, $n, mevent_add_int($m, 'n', 'seven'), mevent_add_str($m, 'no name', 'x'), mevent_add_int($m, 'n', '7 apples'), mevent_trigger($m, '', 70000, 2), $warnings];`,
      options,
    );
    const [got, older, noNumber, noName, apples, tooLarge, warnings] = value as JsonValue[];
    assertEquals(got, [-1, true, -1, -1, true, -1, -1]);
    assertEquals([older, noNumber, noName, apples, tooLarge], [-1, null, -1, 0, 0]);
    const parts = [
      "Connection refused",
      'tipc.0.type is "tipc"',
      'no servers for "nobody"',
      "is to be a text, not array",
      'no servers for "a b"',
      'no servers for "skeleton2"',
      "no resource of mevent_init_plugin()",
      'not "seven"',
      '"no name" is no HDF name',
      "of which the number counts",
      "numbers up to 65535",
    ];
    assertEquals((warnings as string[]).length, parts.length);
    for (const [index, part] of parts.entries()) assertStringIncludes((warnings as string[])[index]!, part);
  },
);

/** As the C client computes it: pairs of bytes that overlap, over the key's first half. */
function checksum(key: Uint8Array): number {
  let sum = 0;
  const pairs = Math.floor(key.length / 2);
  for (let at = 0; at < pairs; at++) sum += key[at]! + 256 * key[at + 1]!;
  if (key.length % 2 === 1) sum += key[pairs]!;
  while (sum > 0xffff) sum = sum % 0x10000 + Math.floor(sum / 0x10000);
  return 0xffff_ffff - sum;
}

extensionTest("a key finds the server that it finds from the C client", async (folder) => {
  // By hand: "a" is 97; "ab" 97 + 256 * 98; of "abc" 'a', 'b' and then 'b' once more count; "abcd" is "ab" and "bc".
  const known: readonly [string, number][] = [
    ["a", 2 ** 32 - 1 - 97],
    ["ab", 2 ** 32 - 1 - 25185],
    ["abc", 2 ** 32 - 1 - 25283],
    ["abcd", 2 ** 32 - 1 - (25185 + 25442)],
    ["zzzzzzzz", 2 ** 32 - 1 - (4 * 31354 - 65536 + 1)],
  ];
  for (const [key, sum] of known) assertEquals(checksum(new TextEncoder().encode(key)), sum, key);
  assertEquals(
    await phpValue(
      `return array_map(fn ($key) => Mevent\\ServerList::checksum($key), json_decode(${
        phpText(JSON.stringify(known.map(([key]) => key)))
      }));`,
    ),
    known.map(([, sum]) => sum),
  );
  const sockets = ["127.0.0.1", "127.0.1.1", "127.0.0.1", "127.0.0.2"].map((hostname) =>
    Deno.listenDatagram({ transport: "udp", hostname, port: 0 })
  );
  try {
    const addresses = sockets.map((socket) => socket.addr as Deno.NetAddr);
    const blocks = addresses.map(({ hostname, port }, index) =>
      `${9 - index} {\ntype = udp\nip = ${hostname}\nport = ${port}\n}`
    );
    const options = await clientConfig(folder, `shop {\n${blocks.join("\n")}\n}\n`);
    // Addresses and ports are compared from their last byte on.
    const rank = ({ hostname, port }: Deno.NetAddr) =>
      hostname.split(".").reduceRight((value, byte) => value * 256 + Number(byte), 0) * 65536 +
      (port % 256) * 256 + Math.floor(port / 256);
    const order = addresses.map((_, index) => index).sort((a, b) =>
      rank(addresses[a]!) - rank(addresses[b]!)
    );
    const keys = Array.from({ length: 60 }, (_, index) => `user:${index * index}${"é".repeat(index % 4)}`);
    await runPhp(
      `$m = mevent_init_plugin('shop');
      foreach (json_decode(${
        phpText(JSON.stringify(keys))
      }) as $key) { mevent_add_str($m, 'key', $key); mevent_trigger($m, $key, 1001, 0); }
      foreach (range(0, 3) as $end) { mevent_add_str($m, 'key', 'end'); (function () use ($m, $end) {
        $list = (new ReflectionProperty(Mevent\\Handle::class, 'list'))->getValue(stream_get_meta_data($m)['wrapper_data']);
        $list->servers[$end]->connection->exchange(new ArrayIterator([1 => str_pad('end', 8)]), fn () => null, null, false);
      })(); }`,
      options,
    );
    const came = await Promise.all(sockets.map(async (socket) => {
      const found: string[] = [];
      for (;;) {
        const [datagram] = await socket.receive();
        const text = new TextDecoder().decode(datagram);
        if (text.startsWith("end")) return found;
        found.push(/key \[type="100"\] {2}= (.*)\n/.exec(text)![1]!);
      }
    }));
    const wanted = addresses.map((_, index) =>
      keys.filter((key) => order[checksum(new TextEncoder().encode(key)) % 4] === index)
    );
    assertEquals(came, wanted);
    assert(wanted.every((each) => each.length > 0), "every server has a key");
  } finally {
    for (const socket of sockets) socket.close();
  }
});

extensionTest(
  "a server is left alone for a minute after 19 replies of 14 in a row, or when it is down, and tried again then",
  async (folder) => {
    await using bad = await TestServer.start({ plugins: [SHOP] });
    await using good = await TestServer.start({ plugins: [SHOP] });
    const options = await clientConfig(
      folder,
      `shop {\n0 ${serverBlock("tcp", bad.tcp.port)}\n1 ${serverBlock("tcp", good.tcp.port)}\n}\n`,
    );
    // The key whose own server is the bad one; time is what the test says.
    const value = await runPhp(
      `eval('namespace Mevent; function hrtime(bool $number) { global $skip; return \\\\hrtime(true) + $skip * 1_000_000_000; }');
    $skip = 0;
    $m = mevent_init_plugin('shop');
    $list = (new ReflectionProperty(Mevent\\Handle::class, 'list'))->getValue(stream_get_meta_data($m)['wrapper_data']);
    for ($n = 0; $list->select("key$n")->connection->address->port !== ${bad.tcp.port}; $n++);
    $own = fn () => $list->select("key$n")->connection->address->port === ${bad.tcp.port} ? 'own' : 'other';
    $seen = [];
    for ($i = 0; $i < 18; $i++) mevent_trigger($m, "key$n", 1005, 2);
    mevent_trigger($m, "key$n", 1002, 2);
    for ($i = 0; $i < 18; $i++) mevent_trigger($m, "key$n", 1005, 2);
    $seen[] = $own();
    mevent_trigger($m, "key$n", 1005, 2);
    $seen[] = $own();
    $seen[] = mevent_trigger($m, "key$n", 1002, 2);
    $skip = 59; $seen[] = $own();
    $skip = 61; $seen[] = $own();
    mevent_trigger($m, "key$n", 1005, 2);
    $seen[] = $own();
    $skip = 122; mevent_trigger($m, "key$n", 1002, 2); mevent_trigger($m, "key$n", 1005, 2);
    $seen[] = $own();
    foreach ($list->servers as $server) $server->markDown();
    $seen[] = mevent_trigger($m, '', 1002, 2);
    echo json_encode($seen);`,
      options,
    );
    assertEquals(value, '["own","other",1000,"other","own","other","own",0]');
  },
);

extensionTest(
  "one that goes away in the midst gives 0 and the C library's words; the others take its keys",
  async (folder) => {
    await using server = await TestServer.start({ plugins: [SHOP] });
    const dying = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = dying.addr;
    const accepting = (async () => {
      using socket = await dying.accept();
      dying.close();
      await socket.read(new Uint8Array(1000));
    })();
    const options = await clientConfig(
      folder,
      `shop {\n0 ${serverBlock("tcp", port)}\n1 ${serverBlock("tcp", server.tcp.port)}\n}\n`,
    );
    const value = await phpValue(
      `$m = mevent_init_plugin('shop');
    $list = (new ReflectionProperty(Mevent\\Handle::class, 'list'))->getValue(stream_get_meta_data($m)['wrapper_data']);
    for ($n = 0; $list->select("key$n")->connection->address->port !== ${port}; $n++);
    mevent_add_str($m, 'a', 'b');
    $died = [mevent_trigger($m, "key$n", 1001, 2), mevent_result($m)];
    mevent_add_str($m, 'a', 'b');
    return [$died, mevent_trigger($m, "key$n", 1001, 2), mevent_result($m)];`,
      options,
    );
    await accepting;
    assertEquals(value, [[0, { Output: { errmsg: "mevent died" } }], 1000, { a: "b" }]);
  },
);
