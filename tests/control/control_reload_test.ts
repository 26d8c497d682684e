import { assertEquals, assertStringIncludes } from "@std/assert";
import { mevent, MeventProcess } from "../support/mevent.ts";

const plugin = (name: string) =>
  `[[plugin]]\nname = "${name}"\nmodule = "builtin:echo"\nbiz = ${name.length}\n`;

Deno.test("mevent reload says what has changed, or exits with 1 and says why nothing has", async () => {
  const directory = await Deno.makeTempDir({ prefix: "mevent-test-" });
  const file = `${directory}/mevent.toml`;
  const control = `${directory}/control`;
  await Deno.writeTextFile(file, plugin("first"));
  const server = new MeventProcess(
    ..."serve --no-tcp --no-udp --unix".split(" "),
    `${directory}/socket`,
    "-c",
    file,
    "--set",
    `control=${control}`,
  );
  try {
    await server.until(/Next:/);
    const reload = async (text: string) => {
      await Deno.writeTextFile(file, text);
      return await mevent(["reload", "--control", control]);
    };
    assertEquals(await reload(plugin("first")), { code: 0, stdout: "nothing has changed\n", stderr: "" });
    const added = await reload(plugin("first") + plugin("second"));
    assertEquals([added.code, added.stderr], [0, ""]);
    assertStringIncludes(added.stdout, "plugin second added");
    const refused = await reload("nonsense");
    assertEquals([refused.code, refused.stdout], [1, ""]);
    assertStringIncludes(refused.stderr, `mevent reload: ${file}:1:1: is not TOML`);
    const { stdout } = await mevent(["reload", "--json", "--control", control]);
    assertEquals(stdout, "");
  } finally {
    server.child.kill("SIGTERM");
    assertEquals((await server.end()).code, 0);
    await Deno.remove(directory, { recursive: true });
  }
});
