import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import type { JsonObject, JsonValue } from "../../src/plugin.ts";
import { logged, NO_PERMISSIONS } from "../support/exec_python.ts";
import { HAS_PHP, PHP_NOTE, PHP_WORKER } from "../support/php.ts";
import { messageOf, streamRequest, valueOf } from "../support/requests.ts";
import { TestServer } from "../support/test_server.ts";
import { until } from "../support/until.ts";

/** What the worker of these tests does, by command. */
const COMMANDS: Readonly<Record<string, string>> = {
  echo: "return $params;",
  warn: "ob_start(); echo $params['missing'], 'printed', PHP_EOL; return ['warned' => true];",
  fail: "throw new Failure('not today', 41, retry: false);",
  throw: "throw new LogicException('broken');",
  "own code": "return new Success(1005, ['early' => true]);",
  nothing: "return null;",
  "no json": "return ['a' => \"\\xff\"];",
  exit: "exit(3);",
  fatal: "function twice() {} eval('function twice() {}');",
  memory: "ini_set('memory_limit', '16M'); str_repeat('x', 100_000_000);",
  about:
    "return ['name' => $o->name, 'sync' => $o->isSync, 'left' => $o->left() > 0, 'id' => $o->id !== ''];",
  tell:
    "$worker->log('warn', 'the disk is full', ['free' => 7]); $worker->count('texts', 2); $worker->gauge('files', 3); return null;",
  touch: "touch($params['path']); return null;",
  slow: "while ($o->left() > -0.2) usleep(1000); return ['late' => true];",
};
const NAMES = Object.keys(COMMANDS);

async function start(concurrency = 1, timeout = 30_000): Promise<TestServer & { readonly program: string }> {
  const program = await Deno.makeTempFile({ suffix: ".php" });
  const commands = NAMES.map((name, index) =>
    `->on(${1001 + index}, function (array $params, Mevent\\Operation $o) use ($worker) { ${
      COMMANDS[name]
    } })`
  );
  await Deno.writeTextFile(
    program,
    `<?php ini_set('display_errors', '1'); require ${JSON.stringify(PHP_WORKER)};
    use Mevent\\{Failure, Success};
    $worker = new Mevent\\Worker();
    $worker${commands.join("\n")}->run();`,
  );
  const config = {
    command: ["php", program],
    commands: Object.fromEntries(NAMES.map((name, index) => [1001 + index, name])),
    concurrency,
    cancel_grace: "5s",
  };
  const permissions = { ...NO_PERMISSIONS, run: ["php"] };
  const server = await TestServer.start({
    plugins: [{ name: "php", module: "builtin:exec", permissions, config, timeout, grace: 10_000 }],
  });
  return Object.assign(server, { program });
}

async function ask(server: TestServer, name: string, params: JsonValue = {}) {
  using connection = await server.connect();
  const command = 1001 + NAMES.indexOf(name);
  await connection.send(streamRequest({ id: 1, plugin: "php", command, params, sync: true }));
  const reply = await connection.reply();
  return { code: reply.code, value: valueOf(reply) as JsonObject, message: messageOf(reply) };
}

Deno.test({
  name:
    `the PHP worker for exec answers, survives warnings, exceptions and what JSON cannot say, and tells the log why it died${PHP_NOTE}`,
  ignore: !HAS_PHP,
  fn: async () => {
    await using server = await start();
    const params = {
      name: "Zoë 🐿",
      max: 2n ** 63n - 1n,
      whole: 7,
      list: [1, "", null],
      nul: "a\u0000b\u2028",
    };
    assertEquals((await ask(server, "echo", params)).value, params);
    assertEquals((await ask(server, "warn")).value, { warned: true });
    await until("what was printed is logged", () => logged(server, "printed").length > 0);
    assert(logged(server, "Undefined array key").length > 0, "the warning is logged");
    assertEquals(logged(server, "it is not JSON"), []);
    const failed = await ask(server, "fail");
    assertEquals([failed.code, failed.message], [41, "not today"]);
    const thrown = await ask(server, "throw");
    assertEquals([thrown.code, thrown.message], [14, "LogicException: broken"]);
    const own = await ask(server, "own code");
    assertEquals([own.code, own.value], [1005, { early: true }]);
    assertEquals((await ask(server, "nothing")).code, 1000);
    assertStringIncludes((await ask(server, "no json")).message, "cannot be written as JSON");
    assertEquals((await ask(server, "about")).value, { name: "about", sync: true, left: true, id: true });
    assertEquals((await ask(server, "tell")).code, 1000);
    await until("what it tells is seen", () => server.plugin("php").counters["texts"] === 2);
    assert(logged(server, "the disk is full").length > 0);
    assertEquals(server.plugin("php").counters["child restarts"], undefined);
    for (
      const [name, reason] of [
        ["exit", "command 1008 ended the program by exit"],
        ["fatal", "command 1009 ended the program by a fatal error: Cannot redeclare twice()"],
        ["memory", "command 1010 ended the program by a fatal error: Allowed memory size"],
      ] as const
    ) {
      const { code, message } = await ask(server, name);
      assertEquals(code, 14, name);
      assertStringIncludes(message, "the child process has ended");
      await until(`the log says why: ${name}`, () => logged(server, reason).length > 0);
      assertEquals((await ask(server, "echo", { next: name })).value, { next: name });
    }
    await Deno.remove(server.program);
  },
});

Deno.test({
  name:
    `the PHP worker for exec does not begin what was cancelled while it waited, and ends with its stdin${PHP_NOTE}`,
  ignore: !HAS_PHP,
  fn: async () => {
    let program = "";
    {
      await using server = await start(4, 400);
      program = server.program;
      using connection = await server.connect();
      const send = (id: number, name: string, params: JsonObject) =>
        connection.send(
          streamRequest({ id, plugin: "php", command: 1001 + NAMES.indexOf(name), params, sync: true }),
        );
      const path = `${server.directory}/begun`;
      await send(1, "slow", {});
      await send(2, "touch", { path });
      // Both are over their time before the first one ends; the second was never begun.
      for (let count = 0; count < 2; count++) assertEquals((await connection.reply()).code, 14);
      await until("the worker is free again", () => server.plugin("php").in_flight === 0);
      assertEquals((await ask(server, "echo", { still: "here" })).value, { still: "here" });
      assertEquals(server.plugin("php").counters["child restarts"], undefined);
      await assertRejects(() => Deno.lstat(path), Deno.errors.NotFound);
    }
    await Deno.remove(program);
  },
});

Deno.test({
  name: `the examples of the PHP client do what they say${PHP_NOTE}`,
  ignore: !HAS_PHP,
  fn: async () => {
    const example = (name: string) =>
      fileURLToPath(new URL(`../../clients/php/examples/${name}`, import.meta.url));
    const config = { command: ["php", example("words.php")], commands: { 1001: "count", 1002: "shout" } };
    const permissions = { ...NO_PERMISSIONS, run: ["php"] };
    await using server = await TestServer.start({
      plugins: [
        { name: "php", module: "builtin:exec", permissions, config },
        { name: "echo" },
        { name: "skeleton" },
      ],
    });
    const run = async (args: readonly string[], env: Record<string, string> = {}) =>
      new TextDecoder().decode(
        (await new Deno.Command("php", { args: [...args], env, stdin: "null" }).output()).stdout,
      );
    assertEquals(
      await run([example("client.php"), `tcp://127.0.0.1:${server.tcp.port}`]),
      "result: Zoë, 7\nqueued\n18: plugin echo has no command 1999; it has 1001 echo, 1002 nothing, 1003 sleep\n1: 1\n2: 4\n3: 9\n",
    );
    const file = `${server.directory}/client.hdf`;
    await Deno.writeTextFile(file, `skeleton.0 {\ntype = tcp\nport = ${server.tcp.port}\n}\n`);
    const flags = ["-d", `auto_prepend_file=${example("../mevent.php")}`];
    assertEquals(
      await run([...flags, example("extension.php")], { MEVENT_CLIENT_CONFIG: file }),
      "1000\n1000\nArray\n(\n    [cacheval] => hello\n)\n",
    );
    using connection = await server.connect();
    await connection.send(streamRequest({ id: 1, plugin: "php", command: 1001, params: { text: "a b c" } }));
    assertEquals(valueOf(await connection.reply()), { words: 3 });
    await connection.send(streamRequest({ id: 2, plugin: "php", command: 1001, params: {} }));
    const refused = await connection.reply();
    assertEquals([refused.code, messageOf(refused)], [40, "give a text"]);
  },
});
