import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import * as testing from "../../src/authors/testing.ts";
import { mevent } from "../support/mevent.ts";

Deno.test("the declarations hold all of mevent/plugin as it stands, and the values of mevent/testing", async () => {
  const { code, stdout } = await mevent(["plugin", "types"]);
  assertEquals(code, 0);
  const api = await Deno.readTextFile(new URL("../../src/plugin.ts", import.meta.url));
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
    for (const name of ["orders", "wrong"]) {
      assertEquals((await mevent(["plugin", "new", name, "--dir", folder])).code, 0);
    }
    await edit(`${folder}/wrong.ts`, "params.number(", "params.numbre(");
    await edit(`${folder}/wrong_test.ts`, "plugin.idle()", 'plugin.idle("soon")');
    // All at once: a check of its own costs a second.
    const problems = await denoCheck(folder, "orders.ts", "orders_test.ts", "wrong.ts", "wrong_test.ts");
    assertStringIncludes(problems, "Property 'numbre' does not exist on type 'Params'");
    assertStringIncludes(
      problems,
      "Argument of type 'string' is not assignable to parameter of type 'number'",
    );
    assertEquals(problems.includes("/orders"), false, problems);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

async function edit(file: string, before: string, after: string): Promise<void> {
  await Deno.writeTextFile(file, (await Deno.readTextFile(file)).replace(before, after));
}

/** What is wrong with the types. */
async function denoCheck(cwd: string, ...files: string[]): Promise<string> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["check", "--quiet", ...files],
    cwd,
    env: { NO_COLOR: "1" },
  }).output();
  assert(!success);
  return new TextDecoder().decode(stderr);
}
