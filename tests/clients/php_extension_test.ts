import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { hdfToJson } from "../../src/hdf/json.ts";
import { parseHdf } from "../../src/hdf/parse.ts";
import type { JsonObject, JsonValue } from "../../src/plugin.ts";
import { PHP_CLIENT, phpText, phpValue, runPhp, runPhpArgs } from "../support/php.ts";
import { clientConfig, extensionTest, serverBlock } from "../support/php_extension.ts";
import { SHOP } from "../support/php_plugin.ts";
import { TestServer } from "../support/test_server.ts";

const OLD_PAGE = fileURLToPath(new URL("../support/old_extension.php", import.meta.url));

extensionTest("a page that was written for it runs unchanged, over TCP and over UDP", async (folder) => {
  await using server = await TestServer.start({ plugins: [SHOP] });
  const expected = "1000 Array\n(\n    [dns] => mevent.example\n    [integral] => 0\n    [open] => 1\n)\n";
  for (const [type, port] of [["tcp", server.tcp.port], ["udp", server.udp.port]] as const) {
    const options = await clientConfig(folder, `shop {\n0 ${serverBlock(type, port)}\n}\n`);
    assertEquals(await runPhp(`require ${phpText(OLD_PAGE)};`, options), expected);
    assertEquals(
      await runPhpArgs([OLD_PAGE], { ...options, flags: ["-d", `auto_prepend_file=${PHP_CLIENT}`] }),
      expected,
    );
  }
});

extensionTest(
  "params and results have their types, whole numbers all of their 64 bits, and errors their code",
  async (folder) => {
    await using server = await TestServer.start({ plugins: [SHOP] });
    const options = await clientConfig(
      folder,
      `shop.0 ${serverBlock("tcp", server.tcp.port)}\nskeleton : shop\n`,
    );
    const value = await phpValue(
      `$m = mevent_init_plugin('shop');
    $seen = [is_resource($m), $m == -1];
    $added = [mevent_add_str($m, 'text', "Zoë 🐿"), mevent_add_int($m, 'large', '3000000000'), mevent_add_int($m, 'max', PHP_INT_MAX),
      mevent_add_bool($m, 'yes', true), mevent_add_bool($m, 'two', '2'), mevent_add_float($m, 'half', '0.5'), mevent_add_float($m, 'small', 1e-7),
      mevent_add_str($m, 'a.b.c', " cut \\0 off"), mevent_add_str($m, 'lines', "one\\ntwo")];
    $echo = [mevent_trigger($m, null, "1001", "2"), mevent_result($m)];
    $again = [mevent_trigger($m, 'key', 1001.0, 2), mevent_result($m)];
    mevent_add_int($m, 'lost', 1);
    $async = [mevent_trigger($m, '', 1001, 0), mevent_result($m)];
    $codes = [mevent_trigger($m, '', 1004, 2), mevent_result($m), mevent_trigger($m, '', 1005, 2), mevent_trigger($m, '', 1999, 2), mevent_trigger($m, '', 1006, 2)];
    return [$seen, $added, $echo, $again, $async, $codes, mevent_free($m), is_resource($m), @mevent_free($m), @mevent_result($m)];`,
      options,
    );
    assertEquals(value, [
      [true, false],
      Array(9).fill(0),
      [1000, {
        text: "Zoë 🐿",
        large: 3000000000,
        max: 2n ** 63n - 1n,
        yes: 1,
        two: 2,
        half: 0.5,
        small: 0,
        a: { b: { c: "cut" } },
        lines: "one\ntwo\n",
      }],
      [1000, []],
      [1000, []],
      [40, { Output: { errcode: 40, errmsg: "wir haben kein Gemüse" } }, 14, 18, 1007],
      true,
      false,
      -1,
      null,
    ]);
  },
);

extensionTest("what goes out is, byte for byte, what the C library sends", async (folder) => {
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const { port } = socket.addr as Deno.NetAddr;
  const options = await clientConfig(folder, `shop.0 ${serverBlock("udp", port)}\n`);
  await runPhp(
    `$m = mevent_init_plugin('shop');
    mevent_add_str($m, 'dns', 'mevent.example'); mevent_add_int($m, 'query.integral', '0'); mevent_add_bool($m, 'query.open', 1);
    mevent_add_float($m, 'rate', 2.5); mevent_add_str($m, 'text', "EOM\\nof two lines");
    echo mevent_trigger($m, '', 1003, 0), mevent_trigger($m, '', 1003, 0);
    $n = nevent_init_plugin('shop'); nevent_add_str($n, 'a', 'b'); nevent_add_u32($n, 'n', 4294967295); nevent_trigger($n, '', 1, 0);`,
    options,
  );
  const text = 'dns [type="100"]  = mevent.example\n' +
    'query{\nintegral [type="102"]  = 0\nopen [type="101"]  = 1\n}\n' +
    'rate [type="104"]  = 2.500000\n' +
    'text [type="100"]  << EOM1\nEOM\nof two lines\nEOM1\n';
  const wanted: readonly [number, string][] = [[1003, text], [1003, ""], [1, "a = b\nn = 4294967295\n"]];
  let last: number | undefined;
  for (const [command, hdf] of wanted) {
    const [datagram] = await socket.receive();
    const head = new DataView(datagram.buffer, datagram.byteOffset);
    const id = head.getUint32(0) & 0x0fffffff;
    if (last !== undefined) assertEquals(id, last + 1);
    last = id;
    const bytes = new TextEncoder().encode(hdf);
    const frame = new DataView(new ArrayBuffer(12));
    frame.setUint32(0, 0x10000000 | id);
    frame.setUint16(4, command);
    frame.setUint32(8, 4);
    const size = new DataView(new ArrayBuffer(4));
    size.setUint32(0, bytes.length + 1);
    assertEquals(
      Array.from(datagram),
      [
        ...new Uint8Array(frame.buffer),
        ...new TextEncoder().encode("shop\0\0\0\x03\0\0\0\x04root"),
        ...new Uint8Array(size.buffer),
        ...bytes,
        0,
        ...[0, 0, 0, 0],
      ],
    );
  }
  socket.close();
});

interface Exchange {
  readonly transport: "tcp" | "udp";
  readonly name: string;
  readonly request_hex: string;
  readonly reply_hex: string | null;
}

async function exchanges(): Promise<readonly Exchange[]> {
  return JSON.parse(await Deno.readTextFile(new URL("../golden/exchanges.json", import.meta.url)));
}

extensionTest("mevent_decode reads every request that was recorded of the C client", async (folder) => {
  const recorded = (await exchanges()).filter(({ transport, name }) =>
    transport === "udp" && name.startsWith("libmevent")
  );
  assert(recorded.length > 25);
  await Deno.writeTextFile(`${folder}/hex.json`, JSON.stringify(recorded.map((each) => each.request_hex)));
  const decoded = await phpValue(
    `return array_map(fn ($hex) => mevent_decode(hex2bin($hex)), json_decode(file_get_contents(${
      phpText(`${folder}/hex.json`)
    })));`,
  );
  for (const [index, each] of recorded.entries()) {
    const bytes = Uint8Array.fromHex(each.request_hex);
    const view = new DataView(bytes.buffer);
    const nameLength = view.getUint32(8);
    const decoder = new TextDecoder();
    const text = decoder.decode(bytes.subarray(12 + nameLength + 16, bytes.length - 5));
    // Nodes with a value and children lose the value.
    const tree = hdfToJson(parseHdf(text), 64);
    for (const member of Object.values(tree)) {
      if (typeof member === "object" && member !== null) delete (member as JsonObject)[""];
    }
    assertEquals((decoded as JsonValue[])[index], {
      request_id: view.getUint32(0) & 0x0fffffff,
      request_command: view.getUint16(4),
      plugin_name: decoder.decode(bytes.subarray(12, 12 + nameLength)),
      hdf: Object.keys(tree).length === 0 ? [] : tree,
      code: 1000,
    }, each.name);
  }
});

extensionTest(
  "mevent_decode says 0 of what is no request, and stops at the line that it cannot read",
  async () => {
    const value = await phpValue(
      `$request = fn (string $body) => pack('NnnN', 0x1000002a, 1001, 2, 4) . 'echo' . $body;
    $cell = fn (string $name, string $text) => pack('NN', 3, strlen($name)) . $name . pack('N', strlen($text)) . $text;
    return array_map(mevent_decode(...), ['', str_repeat('x', 11), $request(''), $request(pack('N', 0)), $request(pack('NNN', 1, 4, 7)),
      $request($cell('json', '{}')), $request(substr($cell('root', 'a = 1'), 0, -1)), $request(pack('NN', 3, 0xffffffff)), pack('NnnN', 1, 1, 2, 0xffffffff),
      $request($cell('rootling', "a = 1\\nb\\nc = 2\\0d = 3")), $request($cell('root', "a [type=\\"108\\"] {\\n3 = x\\n1 = y\\n}\\ne{\\n}\\n7 = seven"))]);`,
    );
    const bare = { request_id: 42, code: 0 };
    const named = { request_id: 42, request_command: 1001, plugin_name: "echo", code: 1000 };
    assertEquals(value, [
      { code: 0 },
      { code: 0 },
      ...Array(6).fill(bare),
      { request_id: 1, code: 0 },
      { ...named, hdf: { a: "1" } },
      { ...named, hdf: { a: ["x", "y"], "7": "seven" } },
    ]);
  },
);

extensionTest("mevent_reply writes the packet of the C one: no NUL, no end, 28 in its length", async () => {
  const value = await phpValue(
    `return [bin2hex(mevent_reply(['request_id' => 42, 'code' => 1000, 'hdf' => ['a' => 1, 'f' => 0.5, 's' => 'x', 'no' => true, 'none' => null,
      'list' => [3000000000, 'y'], 'map' => ['k' => ['z' => 1]]]])), mevent_reply(['code' => 1000]), bin2hex(mevent_reply(['request_id' => 7]))];`,
  );
  const text = 'a [type="102"]  = 1\nf [type="104"]  = 0.500000\ns [type="100"]  = x\n' +
    'list [type="108"] {\n0 [type="102"]  = 3000000000\n1 [type="100"]  = y\n}\n' +
    'map [type="107"] {\nk [type="107"] {\nz [type="102"]  = 1\n}\n}\n';
  const packet = (id: number, code: number, hdf: string) => {
    const words = (...numbers: number[]) =>
      numbers.map((each) => each.toString(16).padStart(8, "0")).join("");
    const size = hdf.length;
    return words(id, code, 28 + size, 3, 4) + new TextEncoder().encode("root").toHex() + words(size) +
      new TextEncoder().encode(hdf).toHex();
  };
  assertEquals(value, [packet(42, 1000, text), "", packet(7, 0, "")]);
});

extensionTest(
  "a time-out of the config gives 0, and the params of what was never sent are kept",
  async (folder) => {
    await using server = await TestServer.start({ plugins: [SHOP], server: { drain_timeout: "50ms" } });
    const short = "net_timeout_s = 0\nnet_timeout_u = 50000";
    const free = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = free.addr;
    free.close();
    const options = await clientConfig(
      folder,
      `shop.0 ${serverBlock("tcp", server.tcp.port, short)}\ngone.0 ${serverBlock("udp", port)}\nnoblock.0 ${
        serverBlock("udp", server.udp.port, "non_block = yes")
      }\n`,
    );
    const value = await phpValue(
      `$m = mevent_init_plugin('shop');
    $late = [mevent_trigger($m, '', 1008, 2), mevent_result($m)];
    mevent_add_str($m, 'huge', str_repeat('x', 70000));
    $n = mevent_init_plugin('noblock');
    $n2 = [mevent_trigger($n, '', 1002, 0), mevent_trigger($n, '', 1002, 2)];
    mevent_add_str($n, 'huge', str_repeat('x', 70000));
    $unsent = @mevent_trigger($n, '', 1001, 2);
    $kept = strlen((new ReflectionProperty(Mevent\\Handle::class, 'params'))->getValue(stream_get_meta_data($n)['wrapper_data'])->value('huge'));
    return [$late, $n2, $unsent, $kept];`,
      options,
    );
    assertEquals(value, [[0, { Output: { errmsg: "mevent died" } }], [1000, 0], 0, 70000]);
  },
);
