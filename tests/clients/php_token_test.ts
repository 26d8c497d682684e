import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { createHash } from "node:crypto";
import type { JsonValue } from "../../src/plugin.ts";
import { TestServer } from "../support/mevent.ts";
import { HAS_PHP, PHP_NOTE, phpText, phpValue } from "../support/php.ts";

const TOKEN = "mevent-0123456789abcdefghijklmnopqrstuvwxyz";

/** A server whose further listener, a Unix socket, is for who has the token, which allows sync calls of echo alone. */
async function start(socket: string): Promise<TestServer> {
  const hash = createHash("sha256").update(TOKEN).digest("hex");
  return await TestServer.start(`
[[listener]]
unix = ${JSON.stringify(socket)}
auth = "token"

[[token]]
name = "shop"
hash = "sha256:${hash}"
rights = ["call:echo"]

[[plugin]]
name = "echo"
module = "builtin:echo"

[[plugin]]
name = "skeleton"
module = "builtin:skeleton"
`);
}

Deno.test({
  name:
    `the PHP client logs in on each connection, says why it was refused, and shows its token to nobody${PHP_NOTE}`,
  ignore: !HAS_PHP,
  fn: async () => {
    const folder = await Deno.makeTempDir();
    const socket = `${folder}/mevent.sock`;
    await Deno.writeTextFile(`${folder}/token`, `${TOKEN}\n`);
    await Deno.writeTextFile(
      `${folder}/client.hdf`,
      `echo.0 {\ntype = unix\npath = ${socket}\ntoken = ${TOKEN}\n}\nskeleton.0 {\ntype = unix\npath = ${socket}\n}\n`,
    );
    {
      await using _server = await start(socket);
      const value = await phpValue(
        `$caught = function (callable $call): array {
        try { return ['no error', $call()]; }
        catch (Mevent\\MeventException $error) { return [substr(get_class($error), 7), $error->getCode(), $error->getMessage()]; }
      };
      $client = fn (array $options, string $encoding = 'json') => new Mevent\\Client(${
          phpText(`unix://${socket}`)
        }, $options + ['encoding' => $encoding]);
      $known = $client(['token' => ${phpText(TOKEN)}]);
      $answered = [$known->call('echo', 1001, ['a' => 'ü']), $known->call('echo', 1001, ['a' => 2])];
      $known->close();
      $answered[] = $known->call('echo', 1001, ['a' => 3]);
      $answered[] = $client(['token_file' => ${
          phpText(`${folder}/token`)
        }], 'hdf')->call('echo', 1001, ['a' => 4]);
      $answered[] = $client([])->call('echo', 1001, ['a' => 5]);
      $unknown = $client(['token' => 'wrong']);
      $refused = [$caught(fn () => $known->call('skeleton', 1000)), $caught(fn () => $known->enqueue('echo', 1001)), $caught(fn () => $unknown->call('echo', 1001)),
        $caught(fn () => $unknown->call('echo', 1001)), $caught(fn () => $client(['token' => null])->call('echo', 1001)),
        $caught(fn () => $client(['token' => null], 'hdf')->call('echo', 1001))];
      $m = mevent_init_plugin('echo'); mevent_add_int($m, 'a', 6);
      $n = mevent_init_plugin('skeleton');
      try { $unknown->call('echo', 1001); } catch (Mevent\\AuthException $error) { $traces[] = (string) $error; }
      try { new Mevent\\Client('udp://127.0.0.1', ['token' => 'wrong']); } catch (InvalidArgumentException $error) { $traces[] = (string) $error; }
      return [$traces, $answered, $refused, [mevent_trigger($m, '', 1001, 2), mevent_result($m)], [mevent_trigger($n, '', 1000, 2), mevent_result($n)]];`,
        {
          env: { MEVENT_TOKEN: TOKEN, MEVENT_CLIENT_CONFIG: `${folder}/client.hdf` },
          flags: ["-d", "zend.exception_ignore_args=0"],
        },
      );
      const [traces, answered, refused, old, stranger] = value as [
        string[],
        JsonValue,
        JsonValue[][],
        JsonValue,
        JsonValue[],
      ];
      for (const trace of traces) {
        assertStringIncludes(trace, "SensitiveParameterValue");
        assert(!trace.includes("'wrong'"), trace);
      }
      assertEquals(answered, [{ a: "ü" }, { a: 2 }, { a: 3 }, { a: 4 }, { a: 5 }]);
      for (const [name, code, sentence] of refused) {
        assertEquals([name, code], ["AuthException", 13]);
        assert(String(sentence).length > 10 && !String(sentence).includes("wrong token"), String(sentence));
      }
      assertEquals(old, [1000, { a: 6 }]);
      assertEquals(stranger[0], 13);
      assertStringIncludes(JSON.stringify(stranger[1]), "Reserve.Auth");
    }
    await Deno.remove(folder, { recursive: true });
  },
});
