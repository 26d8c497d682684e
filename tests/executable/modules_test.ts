import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { REFUSED_MODULES, type RefusedModule } from "../support/refused_modules.ts";
import { executableTest, Workplace } from "./executable.ts";

const CONFIG = '[[plugin]]\nname = "orders"\nbiz = 20\nmodule = "./orders.ts"\nexpose_trace = true\n';
const ORDERS = `import type { Plugin } from "mevent/plugin";
import { fail, price } from "./price.ts";
import tax from "./tax.json" with { type: "json" };
import { parse, string } from "valibot";
import { basename } from "node:path";
import { EventEmitter } from "events";

export default {
  name: "orders",
  commands: {
    1001: { name: "total", run: ({ params }) => price(params.number("price")) + tax.rate },
    1002: { name: "fail", run: () => fail() },
    1003: { name: "where", run: () => [import.meta.url, import.meta.dirname ?? "", parse(string(), basename(import.meta.filename ?? "")), typeof EventEmitter] },
    1004: { name: "late", run: async ({ params }) => (await import("./" + params.string("what"))).late },
  },
} satisfies Plugin;
const late = () => import("./late.ts");
`;
const FILES = {
  "mevent.toml": CONFIG,
  "orders.ts": ORDERS,
  "price.ts":
    "export const price = (n: number): number => n * 2;\n\nexport function fail(): never {\n  throw new Error('no price');\n}\n",
  "tax.json": '{"rate": 5}',
  "late.ts": "export const late: string = 'late';",
};

executableTest(
  "a plugin of several files in TypeScript answers, tells its places, and is loaded anew",
  async () => {
    await using place = await Workplace.make(FILES);
    await using server = await place.serve();
    await using client = await server.connect();
    const ask = async (command: number, params = {}) =>
      (await client.request("orders", command, params)).value;
    assertEquals(await ask(1001, { price: 3 }), 11);
    assertEquals(await ask(1003), [`file://${place.path}/orders.ts`, place.path, "orders.ts", "function"]);
    assertEquals(await ask(1004, { what: "late.ts" }), "late");
    const failed = await ask(1002) as { Output: { errmsg: string; errtrace: string } };
    assertEquals(failed.Output.errmsg, "no price");
    assertStringIncludes(failed.Output.errtrace, `at fail (file://${place.path}/price.ts:4:9)`);
    assertStringIncludes(failed.Output.errtrace, `(file://${place.path}/orders.ts:12:38)`);
    await place.write("price.ts", FILES["price.ts"].replace("n * 2", "n * 3"));
    assertEquals((await place.run("reload", "--unix", "mevent.sock")).code, 0);
    assertEquals(await ask(1001, { price: 3 }), 14);
    await place.write("price.ts", "export const price = (n: number): number => ;");
    const { code, stderr } = await place.run("reload", "--unix", "mevent.sock");
    assert(code !== 0);
    assertStringIncludes(stderr, `${place.path}/price.ts:1:45: syntax error`);
    assertEquals(await ask(1001, { price: 3 }), 14);
  },
);

executableTest(
  "an import at run time finds what an import in the text does, and no other package",
  async () => {
    const source = `const take = (name) => import(name);
export default { name: "orders", commands: { 1001: { name: "take", run: async (context) =>
  typeof (await take(context.params.string("name"))) } } };`;
    await using place = await Workplace.make({ "mevent.toml": CONFIG, "orders.ts": source });
    await using server = await place.serve();
    await using client = await server.connect();
    for (const name of ["valibot", "fs", "node:path", "data:text/javascript,"]) {
      assertEquals((await client.request("orders", 1001, { name })).value, "object", name);
    }
    for (const name of ["pg", "mysql2/promise", "croner", "npm:pg", "@std/assert", "mevent/plugin"]) {
      const { code, value } = await client.request("orders", 1001, { name });
      assertEquals(code, 14, name);
      assertStringIncludes(
        (value as { Output: { errmsg: string } }).Output.errmsg,
        `nothing here provides "${name}"; bundle the plugin with it`,
      );
    }
  },
);

const REFUSED: readonly RefusedModule[] = [
  ...REFUSED_MODULES,
  [
    "orders.ts",
    'import { Price } from "./price.ts";\nexport default Price;',
    "orders.ts:1:10",
    "import type",
  ],
  ["orders.ts", "export default 1;", "orders.ts:1:1: the default export is missing"],
  ["orders.ts", "const a = 1;\nthrow new Error('at the top');", "at the top", "orders.ts:2:7"],
  ["orders.js", "export default {\n  commands: ;\n};", "orders.js:2:13", "commands: ;"],
  ["orders.js", "@d\nexport default class {}", "orders.js:1:1", "decorator"],
];

for (const [name, text, ...parts] of REFUSED) {
  executableTest(
    `${name} with ${JSON.stringify(text)} keeps the server from starting, with the place`,
    async () => {
      await using place = await Workplace.make({ ...FILES, [name]: text });
      await place.write("mevent.toml", CONFIG.replace("orders.ts", name));
      const { code, stderr } = await place.run("serve", "--config", "mevent.toml", ...place.listen);
      assertEquals(code, 78, stderr);
      for (const part of parts) assertStringIncludes(stderr, part);
      assertMatch(stderr, /plugin orders does not load/);
      assert(!stderr.includes("modules-"), `the snapshot's name stands in it: ${stderr}`);
    },
  );
}

executableTest("a killed server's snapshots are cleared by the next", async () => {
  await using place = await Workplace.make(FILES);
  const folder = `${place.path}/mevent-${Deno.uid() ?? "all"}`;
  const modules = () =>
    [...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) => name.startsWith("modules-"));
  const killed = await place.serve();
  killed.child.kill("SIGKILL");
  await killed[Symbol.asyncDispose]().catch(() => {});
  const left = modules();
  assertEquals(left.length, 2);
  await using _next = await place.serve();
  assertEquals(modules().length, 2);
  assertEquals(modules().filter((name) => left.includes(name)), []);
});

executableTest("a watched plugin is loaded anew when its files change", async () => {
  await using place = await Workplace.make(FILES);
  await place.write("mevent.toml", `${CONFIG}watch = true\n`);
  await using server = await place.serve();
  await using client = await server.connect();
  await place.write("tax.json", '{"rate": 6}');
  const deadline = performance.now() + 20_000;
  for (;;) {
    const { value } = await client.request("orders", 1001, { price: 3 });
    if (value === 12) return;
    assertEquals(value, 11);
    if (performance.now() > deadline) throw new Error(`it is not loaded anew: ${server.stderr}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
});
