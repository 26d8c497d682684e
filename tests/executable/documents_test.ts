import { assertEquals, assertStringIncludes } from "@std/assert";
import { executableTest, Workplace } from "./executable.ts";

const ROOT = new URL("../../", import.meta.url);

executableTest("the executable carries its documents, check and config, away from the tree", async () => {
  await using place = await Workplace.make({
    "mevent.toml": '[server]\ntcp = ""\nudp = ""\nunix = "a.sock"\nmax_fram = 1\n',
  });
  for await (const { name } of Deno.readDir(new URL("docs/", ROOT))) {
    if (!name.endsWith(".md")) continue;
    const { code, stdout } = await place.run("help", name.replace(/\.md$/, ""));
    assertEquals(
      [code, stdout.endsWith(await Deno.readTextFile(new URL(`docs/${name}`, ROOT)))],
      [0, true],
      name,
    );
  }
  const example = await place.run("config", "--example");
  assertEquals(example.stdout, await Deno.readTextFile(new URL("config.example.toml", ROOT)));
  const wrong = await place.run("check");
  assertEquals(wrong.code, 78);
  assertStringIncludes(
    wrong.stdout,
    "mevent.toml:5:1: server.max_fram: unknown key; did you mean max_frame?",
  );
  await place.write("mevent.toml", example.stdout);
  assertEquals((await place.run("check", ...place.listen)).code, 0);
});
