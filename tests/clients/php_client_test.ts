import { assertEquals, assertStringIncludes } from "@std/assert";
import type { JsonObject, JsonValue } from "../../src/plugin.ts";
import { CAUGHT, HAS_PHP, PHP_NOTE, phpText, phpValue, runPhp } from "../support/php.ts";
import { startShop, urls } from "../support/php_plugin.ts";
import type { TestServer } from "../support/test_server.ts";

const ENCODINGS = ["json", "hdf"];
const steps: Readonly<Record<string, (server: TestServer) => Promise<void>>> = {
  "params come back as they went, over every transport and in both encodings": async (server) => {
    const params =
      `['uid' => 7, 'big' => PHP_INT_MAX, 'small' => PHP_INT_MIN, 'tenth' => 0.1, 'seven' => 7.0, 'huge' => 1.5e300,
      'yes' => true, 'no' => false, 'name' => 'Zoë 🐿', 'lines' => "one\\ntwo\\n", 'list' => [1, 'b', ['deep' => [[]]]], 'map' => ['0x' => '007']]`;
    for (const url of urls(server)) {
      for (const encoding of ENCODINGS) {
        const value = await phpValue(
          `$client = new Mevent\\Client(${phpText(url)}, ['encoding' => '${encoding}']);
          $params = ${params};
          return [$client->call('shop', 1001, $params) === $params, $client->call('77', 1001, ['n' => PHP_INT_MAX])];`,
        );
        assertEquals(value, [true, { n: 2n ** 63n - 1n }], `${url} ${encoding}`);
      }
    }
  },
  "JSON says null, empty maps and numbers beyond 64 bits; HDF refuses what it cannot say": async (server) => {
    const [url] = urls(server);
    const value = await phpValue(`${CAUGHT}
      $json = new Mevent\\Client(${phpText(url!)});
      $hdf = new Mevent\\Client(${phpText(url!)}, ['encoding' => 'hdf']);
      $params = ['none' => null, 'empty' => new stdClass(), 'a.b' => 1];
      return [$json->request('shop', 1001, $params)->text,
        $caught(fn () => $hdf->call('shop', 1001, ['a' => ['b' => null]])),
        $caught(fn () => $hdf->call('shop', 1001, ['a b' => 1])),
        $caught(fn () => $hdf->call('shop', 1001, ['a' => NAN])),
        $caught(fn () => $json->call('shop', 1001, ['a' => NAN])),
        $caught(fn () => $json->call('shop', 1001, ['a' => "\\xff"])),
        $caught(fn () => $json->call('shop', 1001, [1, 2])),
        $caught(fn () => $json->call('shop', 70000)),
        $json->call('shop', 1001), $json->call('shop', 1002), $hdf->call('shop', 1001, ['o' => new stdClass()])];`);
    assertEquals(value, [
      '{"none":null,"empty":{},"a.b":1}',
      ["UnsendableException", 16, 'param "a.b" is of type null, which HDF cannot say: leave it out'],
      ["UnsendableException", 16, 'param "a b" is no HDF name: use letters, digits and _, or send JSON'],
      ["UnsendableException", 16, 'param "a" is no finite number'],
      [
        "UnsendableException",
        16,
        "the params cannot be written as JSON: Inf and NaN cannot be JSON encoded",
      ],
      [
        "UnsendableException",
        16,
        "the params cannot be written as JSON: Malformed UTF-8 characters, possibly incorrectly encoded",
      ],
      ["UnsendableException", 16, "params are to be an array with names, not a list"],
      ["UnsendableException", 16, "a command is a number from 1 to 65535, not 70000"],
      [],
      null,
      { o: [] },
    ]);
  },
  "each code has its exception, with the plugin's sentence": async (server) => {
    for (const url of urls(server)) {
      for (const encoding of ENCODINGS) {
        const value = await phpValue(`${CAUGHT}
          $client = new Mevent\\Client(${phpText(url)}, ['encoding' => '${encoding}']);
          $early = $client->request('shop', 1006);
          return [$caught(fn () => $client->call('shop', 1004)), $caught(fn () => $client->call('shop', 1005)),
            $caught(fn () => $client->call('shop', 1999))[0], $caught(fn () => $client->call('nobody', 1001))[0],
            $caught(fn () => $client->enqueue('shop', 1999))[0],
            $caught(fn () => $client->call('shop', 1003, ['dns' => 'x', 'query' => ['integral' => 'y']]))[0],
            $caught(fn () => $client->call('shop', 100, ['cachekey' => 'none']))[0],
            [$early->code, $early->isOk(), $early->result()]];`);
        assertEquals(value, [
          ["PluginException", 40, "wir haben kein Gemüse"],
          ["FailedException", 14, "the shop is on fire"],
          "UnknownException",
          "UnknownException",
          "UnknownException",
          "BadParamException",
          "CacheMissException",
          [1007, true, { early: true }],
        ], `${url} ${encoding}`);
      }
    }
  },
  "a full queue is busy, sync and async, and the client goes on": async (server) => {
    const value = await phpValue(`${CAUGHT}
      $client = new Mevent\\Client(${phpText(urls(server)[0]!)});
      $client->enqueue('tight', 1008);
      return [$caught(fn () => $client->call('tight', 1001))[0], $caught(fn () => $client->enqueue('tight', 1001)),
        $client->call('shop', 1001, ['still' => 'here'])];`);
    const [sync, async, after] = value as JsonValue[];
    assertEquals([sync, (async as JsonValue[]).slice(0, 2), after], ["BusyException", [
      "BusyException",
      21,
    ], { still: "here" }]);
  },
  "an async call returns when it is queued, and is processed": async (server) => {
    const before = server.plugin("shop").done;
    await runPhp(`(new Mevent\\Client(${phpText(urls(server)[0]!)}))->enqueue('shop', 1002);`);
    await server.until("it is processed", () => server.plugin("shop").done > before);
  },
  "what an async call came to is fetched by its id": async (server) => {
    for (const encoding of ENCODINGS) {
      const value = await phpValue(`${CAUGHT}
        $client = new Mevent\\Client(${phpText(urls(server)[0]!)}, ['encoding' => '${encoding}']);
        $params = ['n' => PHP_INT_MAX, 'name' => 'Zoë 🐿'];
        $done = $client->operation($client->submit('shop', 1001, $params), 30);
        $failed = $client->operation($client->submit('shop', 1004), 30);
        $silent = new Mevent\\Client(${phpText(urls(server)[0]!)}, ['async_reply' => false]);
        return [$done['state'], $done['code'], $done['result'] === $params, $failed['code'], $failed['error'],
          $caught(fn () => $client->operation('no id'))[0], $caught(fn () => $client->operation('0123456789ab-3k-1'))[0],
          $caught(fn () => $silent->submit('shop', 1001))[0]];`);
      assertEquals(value, [
        "done",
        1000,
        true,
        40,
        "wir haben kein Gemüse",
        "BadParamException",
        "CacheMissException",
        "UnsendableException",
      ], encoding);
    }
  },
  "a body of a megabyte goes and comes; what is beyond max_frame is told with the server's sentence": async (
    server,
  ) => {
    const [tcp, udp, unix] = urls(server);
    for (const url of [tcp!, unix!]) {
      const value = await phpValue(`${CAUGHT}
        $client = new Mevent\\Client(${phpText(url)});
        $text = str_repeat('Zoë 🐿', 120_000);
        $large = $client->call('shop', 1007, ['count' => 600_000])['text'];
        return [$client->call('shop', 1001, ['text' => $text])['text'] === $text, strlen($large),
          $caught(fn () => $client->call('shop', 1001, ['text' => str_repeat('x', 20_000_000)])),
          $client->call('shop', 1001, ['still' => 'here'])];`);
      const [same, length, refused, after] = value as [boolean, number, JsonValue[], JsonObject];
      assertEquals([same, length, refused.slice(0, 2), after], [true, 1_200_000, ["BrokenException", 17], {
        still: "here",
      }]);
      assertStringIncludes(String(refused[2]), "max_frame");
    }
    assertEquals(
      await phpValue(`${CAUGHT}
        $client = new Mevent\\Client(${phpText(udp!)});
        return [$caught(fn () => $client->call('shop', 1001, ['text' => str_repeat('x', 65_600)]))[0],
          strlen($client->call('shop', 1001, ['text' => str_repeat('x', 60_000)])['text'])];`),
      ["UnsendableException", 60_000],
    );
  },
  "a time-out is told, and the reply that comes late is nobody's": async (server) => {
    const value = await phpValue(`${CAUGHT}
      $client = new Mevent\\Client(${phpText(urls(server)[0]!)});
      $late = $caught(fn () => $client->call('shop', 1008, timeout: 0.05));
      return [$late[0], $late[1], $client->call('shop', 1001, ['still' => 'here'])];`);
    assertEquals(value, ["TimeoutException", 0, { still: "here" }]);
  },
  "many calls go at once, and each has its own result or error under its key": async (server) => {
    for (const url of urls(server)) {
      const value = await phpValue(`
        $client = new Mevent\\Client(${phpText(url)});
        $calls = (function () {
          for ($i = 0; $i < 1500; $i++) yield "k$i" => new Mevent\\Call('shop', 1001, ['i' => $i]);
          yield 'refused' => new Mevent\\Call('shop', 1004);
          yield 'unsendable' => new Mevent\\Call('shop', 1001, ['a' => INF]);
        })();
        $results = $client->callMany($calls);
        $wrong = 0;
        for ($i = 0; $i < 1500; $i++) $wrong += (int) ($results["k$i"] !== ['i' => $i]);
        return [count($results), $wrong, $results['refused']->getCode(), get_class($results['unsendable'])];`);
      assertEquals(value, [1502, 0, 40, "Mevent\\UnsendableException"], url);
    }
  },
  "many large calls do not stand in each other's way": async (server) => {
    const value = await phpValue(`
      $client = new Mevent\\Client(${phpText(urls(server)[0]!)});
      $text = str_repeat('x', 200_000);
      $calls = array_map(fn ($i) => new Mevent\\Call('shop', 1001, ['i' => $i, 'text' => $text]), range(0, 99));
      return array_sum(array_map(fn ($result) => strlen($result['text']), $client->callMany($calls)));`);
    assertEquals(value, 20_000_000);
  },
};

Deno.test({
  name: `the PHP client against a server${PHP_NOTE}`,
  ignore: !HAS_PHP,
  fn: async (t) => {
    await using server = await startShop();
    for (const [what, step] of Object.entries(steps)) await t.step(what, () => step(server));
  },
});
