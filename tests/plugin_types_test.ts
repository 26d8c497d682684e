import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import * as testing from "../src/authors/testing.ts";
import { mevent } from "./support/mevent.ts";

Deno.test("the declarations hold all of mevent/plugin as it stands, and the values of mevent/testing", async () => {
  const { code, stdout } = await mevent(["plugin", "types"]);
  assertEquals(code, 0);
  const api = await Deno.readTextFile(new URL("../src/plugin.ts", import.meta.url));
  for (const line of api.split("\n").filter((line) => !line.includes("deno-lint-ignore"))) {
    assertStringIncludes(stdout, line);
  }
  const [, declared = ""] = stdout.split('declare module "mevent/testing"');
  const values = [...declared.matchAll(/^ {2}export const (\w+):/gm)].map(([, name]) => name);
  assertEquals(values.sort(), Object.keys(testing).sort());
});

Deno.test("in an empty folder, a new plugin and its test are checked against the declarations", async () => {
  const folder = await Deno.makeTempDir({ prefix: "mevent-types-" });
  try {
    assertEquals((await mevent(["plugin", "new", "orders", "--dir", folder])).code, 0);
    assertEquals(await denoCheck(folder, "orders.ts", "orders_test.ts"), "");
    const source = await Deno.readTextFile(`${folder}/orders.ts`);
    await Deno.writeTextFile(`${folder}/orders.ts`, source.replace("params.number(", "params.numbre("));
    const test = await Deno.readTextFile(`${folder}/orders_test.ts`);
    await Deno.writeTextFile(
      `${folder}/orders_test.ts`,
      test.replace("plugin.idle()", 'plugin.idle("soon")'),
    );
    const wrong = await denoCheck(folder, "orders.ts", "orders_test.ts");
    assertStringIncludes(wrong, "Property 'numbre' does not exist on type 'Params'");
    assertStringIncludes(wrong, "Argument of type 'string' is not assignable to parameter of type 'number'");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/** What is wrong with the types; "" where nothing is. */
async function denoCheck(cwd: string, ...files: string[]): Promise<string> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["check", "--quiet", ...files],
    cwd,
    env: { NO_COLOR: "1" },
  }).output();
  const text = new TextDecoder().decode(stderr);
  assert(success || text !== "");
  return success ? "" : text;
}
