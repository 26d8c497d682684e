import { assert, assertEquals, assertLess, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import type { JsonObject } from "../../src/plugin.ts";
import { aliveIn, logged, NO_PERMISSIONS } from "../support/exec_python.ts";
import { HAS_PHP, PHP_NOTE } from "../support/php.ts";
import { messageOf, streamRequest, valueOf } from "../support/requests.ts";
import { TestServer } from "../support/test_server.ts";
import { until } from "../support/until.ts";

const WORKER = fileURLToPath(new URL("../support/exec_worker.php", import.meta.url));
const NAMES = ["echo", "warn", "print", "pretty", "twice", "dump", "background"];

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name: `exec, PHP: ${name}${PHP_NOTE}`, ignore: !HAS_PHP, fn });
}

function start(args: readonly string[], keys: JsonObject = {}): Promise<TestServer> {
  const config = {
    command: ["php", ...args],
    commands: Object.fromEntries(NAMES.map((name, index) => [1001 + index, name])),
    ...keys,
  };
  const permissions = { ...NO_PERMISSIONS, run: ["php"] };
  const retry = { maxAttempts: 2, backoff: 1, maxBackoff: 10 };
  return TestServer.start({ plugins: [{ name: "php", module: "builtin:exec", permissions, config, retry }] });
}

async function call(server: TestServer, command: number, params: JsonObject = {}) {
  using connection = await server.connect();
  await connection.send(streamRequest({ id: 1, plugin: "php", command, params, sync: true }));
  const reply = await connection.reply();
  return { code: reply.code, value: valueOf(reply), message: messageOf(reply) };
}

const run = (server: TestServer, name: string, params?: JsonObject) =>
  call(server, 1001 + NAMES.indexOf(name), params);

test("the program of the documentation does what it says", async () => {
  const text = await Deno.readTextFile(new URL("../../docs/exec.md", import.meta.url));
  const [, program] = /```text\n(<\?php[^]*?)```/.exec(text)!;
  const path = await Deno.makeTempFile({ suffix: ".php" });
  await Deno.writeTextFile(path, program!);
  try {
    await using server = await start([path]);
    assertEquals((await call(server, 1001, { text: "to be or not to be" })).value, { words: 6 });
    assertEquals((await call(server, 1002, { text: "hello" })).value, { text: "HELLO" });
    const { code, message } = await call(server, 1003);
    assertEquals(code, 14);
    assertStringIncludes(message, "Unhandled match case 1003");
    // The program lives on.
    assertEquals((await call(server, 1001, { text: "Zoë 🐿" })).code, 1000);
  } finally {
    await Deno.remove(path);
  }
});

test("texts come back as they went, warnings on stdout cost nothing, and answers that cannot be used fail at once", async () => {
  await using server = await start([WORKER]);
  const params = { name: "Zoë 🐿", list: [1, "", null], nul: "a\u0000b\u2028" };
  assertEquals((await run(server, "echo", params)).value, { params });
  assertEquals((await run(server, "warn")).code, 1000);
  assert(logged(server, "it is not JSON").some(({ line }) => String(line).includes("Undefined array key")));
  for (const name of ["print", "pretty", "twice", "dump"]) {
    const { code, message } = await run(server, name);
    assertEquals(code, 14, name);
    assertStringIncludes(message, "the child's answer cannot be used", name);
  }
  assertEquals((await run(server, "echo", { a: 1 })).value, { params: { a: 1 } });
  const { retries, counters } = server.plugin("php");
  assertEquals([retries, counters["child restarts"]], [0, undefined]);
});

test("a worker that ends after five jobs is replaced at once, and what it left in the background ends with it", async () => {
  await using server = await start([WORKER, "5"]);
  const { value } = await run(server, "background");
  const session = Number((value as JsonObject)["pid"]);
  assertEquals(aliveIn(session).length, 2);
  const started = performance.now();
  let done = 0;
  for (let i = 0; i < 50; i++) done += Number((await run(server, "echo", { i })).code === 1000);
  assertLess(performance.now() - started, 60_000);
  assert(done >= 40, `${done} of 50 were done`);
  await until("the first one's session is over", () => aliveIn(session).length === 0);
});
