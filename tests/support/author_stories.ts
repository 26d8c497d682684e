import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Author, type Program } from "./program.ts";

/** In an empty folder: new, edit, check, run, test, serve, send, edit, reload, send. */
export async function fiveMinutes(program: Program): Promise<void> {
  await using author = await Author.create(program);
  const ok = async (...args: string[]) => {
    const { code, stdout, stderr } = await author.run(...args);
    assertEquals(code, 0, `${args.join(" ")}\n${stdout}${stderr}`);
    return stdout;
  };
  const price = ["--cmd", "1001", "price:=2.5", "pieces:=4"];
  await ok("plugin", "new", "orders");
  assertEquals(await ok("plugin", "types"), await author.read("mevent.d.ts"));

  await author.write(
    "tax.ts",
    "export function taxed(total: number): number {\n  return total * 1.5;\n}\n",
  );
  await author.edit("orders.ts", "import type", 'import { taxed } from "./tax.ts";\nimport type');
  await author.edit(
    "orders.ts",
    '{ total: params.number("price") * pieces }',
    '{ total: taxed(params.number("price") * pieces) }',
  );
  assertMatch(
    await ok("plugin", "check", "orders.ts"),
    /1001 +price +what some pieces cost[\s\S]*problems +none/,
  );
  assertEquals(await ok("plugin", "run", "orders.ts", ...price), '{"total":15}\n');

  const red = await author.run("plugin", "test");
  assertEquals(red.code, 1, red.stderr);
  assertMatch(
    red.stdout,
    /price multiplies.*FAILED[\s\S]*orders_test\.ts:\d+:\d+[\s\S]*\n1 passed, 1 failed\n$/,
  );
  await author.edit("orders_test.ts", "total: 10", "total: 15");
  assertMatch(await ok("plugin", "test", "orders_test.ts"), /\n2 passed, 0 failed\n$/);

  const where = ["--no-tcp", "--no-udp", "--unix", "orders.sock", "--set", "control=control.sock"];
  const server = author.spawn("serve", "--config", "orders.toml", ...where);
  try {
    await firstOutput(server);
    const send = () => author.run("send", "--unix", "orders.sock", "--biz", "orders", ...price);
    assertEquals((await send()).stdout, '{"total":15}\n');
    await author.edit("tax.ts", "1.5", "2");
    assertMatch(await ok("reload", "--control", "control.sock"), /its module's files have changed/);
    assertEquals((await send()).stdout, '{"total":20}\n');

    await author.edit("tax.ts", "total * 2", "total * ");
    const refused = await author.run("reload", "--control", "control.sock");
    assertEquals(refused.code, 1);
    assertMatch(refused.stderr, /tax\.ts:\d+:\d+/);
    assertEquals((await send()).stdout, '{"total":20}\n');
    server.kill("SIGTERM");
    assertEquals((await server.status).code, 0);
  } finally {
    await ended(server);
  }
}

/** Code that is broken, asks for too much, or fails its tests. */
export async function whatIsWrong(program: Program): Promise<void> {
  await using author = await Author.create(program);
  await author.write("broken.ts", "const price: number = ;\nexport default {};\n");
  const check = await author.run("plugin", "check", "broken.ts", "--json");
  assertEquals(check.code, 65);
  const [problem] = JSON.parse(check.stdout).problems;
  assertEquals([problem.file, problem.line], [`${author.folder}/broken.ts`, 1]);

  await author.write(
    "nosy.ts",
    'try { Deno.readTextFileSync("/etc/passwd"); } catch { /* goes on without */ }\n' +
      'export default { name: "nosy", commands: { 1001: { name: "read", run: () => Deno.readTextFile("/etc/passwd") } } };\n',
  );
  const nosy = await author.run("plugin", "check", "nosy.ts");
  assertEquals(nosy.code, 0, nosy.stderr);
  assertStringIncludes(
    nosy.stdout,
    'read "/etc/passwd"; granted by permissions = { read = ["/etc/passwd"] }',
  );
  const read = await author.run("plugin", "run", "nosy.ts", "--cmd", "1001");
  assertEquals(read.code, 1);
  assertStringIncludes(read.stderr, "/etc/passwd");

  await author.write(
    "nosy_test.ts",
    'import assert from "node:assert/strict";\nimport { openPlugin, test } from "mevent/testing";\n' +
      'test("reads", async (): Promise<void> => {\n' +
      '  await using plugin = await openPlugin("./nosy.ts", { permissions: { read: ["/etc/passwd"] } });\n' +
      '  assert.match(String(await plugin.call("read")), /^nobody/);\n});\n',
  );
  const test = await author.run("plugin", "test");
  assertEquals(test.code, 1);
  assertMatch(test.stdout, /AssertionError[\s\S]*nosy_test\.ts:5:10/);
  assertStringIncludes(test.stdout, "\n0 passed, 1 failed\n");

  await author.write("loads_not_test.ts", 'import { test } from "mevent/plugin";\ntest("x", () => {});\n');
  const loads = await author.run("plugin", "test", "loads_not_test.ts");
  assertEquals(loads.code, 1);
  assertMatch(loads.stdout, /loads_not_test\.ts:1:\d+: "mevent\/plugin" has types alone/);
}

async function firstOutput({ stdout }: Deno.ChildProcess): Promise<void> {
  const reader = stdout.getReader();
  let text = "";
  while (!text.includes("Next:")) {
    const { done, value } = await reader.read();
    assert(!done, `the server ended: ${text}`);
    text += new TextDecoder().decode(value);
  }
  reader.releaseLock();
}

async function ended(server: Deno.ChildProcess): Promise<void> {
  try {
    server.kill("SIGKILL");
  } catch {
    // It has ended.
  }
  await Promise.all([server.status, server.stdout.cancel(), server.stderr.cancel()]);
}
