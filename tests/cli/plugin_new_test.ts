import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { loadConfig } from "../../src/config/load.ts";
import { AuthorFolder } from "../support/author_folder.ts";
import { mevent } from "../support/mevent.ts";

Deno.test("plugin new writes what plugin check, run and test take, and says so", async () => {
  await using folder = await AuthorFolder.create();
  const { code, stdout } = await mevent(["plugin", "new", "orders", "--dir", folder.path]);
  assertEquals(code, 0);
  const names = ["mevent.d.ts", "orders.toml", "orders.ts", "orders_test.ts"];
  assertEquals(folder.names(), names);
  for (const name of names) assertStringIncludes(stdout, `wrote ${folder.path}/${name}\n`);
  // What is appended to its config belongs to the plugin's table.
  const appended = `${await folder.read("orders.toml")}workers = 3\n`;
  const { plugins, warnings } = loadConfig({ file: "orders.toml", text: appended, env: {}, flags: {} });
  assertEquals([plugins.map(({ workers }) => workers), warnings], [[3], []]);
  const [, next = ""] = stdout.split("Next:\n");
  const commands = next.trim().split("\n").map((line) => line.trim().split(" ").slice(1));
  assertEquals(commands.map((words) => words.slice(0, words[0] === "plugin" ? 2 : 1).join(" ")), [
    "plugin check",
    "plugin run",
    "plugin test",
    "serve",
    "send",
  ]);
  for (const words of commands.filter(([first]) => first === "plugin")) {
    const outcome = await mevent(words);
    assertEquals(outcome.code, 0, outcome.stdout + outcome.stderr);
  }
});

Deno.test("plugin new overwrites nothing, and says what is in its way", async () => {
  await using folder = await AuthorFolder.create();
  await folder.write("orders_test.ts", "mine");
  const { code, stderr } = await mevent(["plugin", "new", "orders", "--dir", folder.path]);
  assertEquals([code, folder.names()], [65, ["orders_test.ts"]]);
  assertStringIncludes(stderr, `nothing was written: ${folder.path}/orders_test.ts is there already`);
  assertEquals(await folder.read("orders_test.ts"), "mine");
});

Deno.test("plugin new says in words what the system refuses", async () => {
  await using folder = await AuthorFolder.create();
  await folder.write("file", "");
  for (
    const [dir, problem] of [
      [`${folder.path}/file/below`, "file/below: a part of the path is no folder"],
      ["/proc/mevent-none", "/proc/mevent-none: there is no such file or folder"],
    ] as const
  ) {
    const { code, stderr } = await mevent(["plugin", "new", "orders", "--dir", dir]);
    assertEquals(code, 65, stderr);
    assertStringIncludes(stderr, `nothing was written: `);
    assertStringIncludes(stderr, problem);
  }
  assertEquals(folder.names(), ["file"]);
});

Deno.test("plugin new reads no more of a mevent.toml than a config may have", async () => {
  await using folder = await AuthorFolder.create();
  await Deno.symlink("/dev/zero", `${folder.path}/mevent.toml`);
  const { code, stderr } = await mevent(["plugin", "new", "orders", "--dir", folder.path]);
  assertEquals(code, 78, stderr);
  assertStringIncludes(stderr, "has more than the 4194304 bytes that it may have");
  assertEquals(folder.names(), ["mevent.toml"]);
});

Deno.test("plugin new enters the plugin in a mevent.toml that is there, once", async () => {
  await using folder = await AuthorFolder.create();
  await folder.write("mevent.toml", '[server]\ntcp = ""\n# the end without a line break');
  assertEquals((await mevent(["plugin", "new", "orders", "--dir", folder.path])).code, 0);
  const second = await mevent(["plugin", "new", "mails", "--dir", folder.path]);
  assertStringIncludes(second.stdout, `added [[plugin]] mails to ${folder.path}/mevent.toml`);
  const config = await folder.read("mevent.toml");
  assert(
    config.startsWith('[server]\ntcp = ""\n# the end without a line break\n\n[[plugin]]\nname = "orders"'),
  );
  const list = await mevent(["plugin", "list", "--config", `${folder.path}/mevent.toml`, "--json"]);
  const { configured } = JSON.parse(list.stdout);
  assertEquals(configured.map((each: { name: string }) => each.name), ["orders", "mails"]);

  await Deno.remove(`${folder.path}/mails.ts`);
  await Deno.remove(`${folder.path}/mails_test.ts`);
  const again = await mevent(["plugin", "new", "mails", "--dir", folder.path]);
  assertEquals(again.code, 78);
  assertStringIncludes(again.stderr, "has a plugin mails already");
  assertEquals(await folder.read("mevent.toml"), config);
});

Deno.test("plugin new refuses names that the config refuses, or that are no file's", async () => {
  const wrong: [string[], RegExp][] = [
    [["7"], /expected a name of 1 to 64 bytes, not a number/],
    [["Reserve.x"], /not starting with Reserve\./],
    [["../orders"], /expected letters, digits, - and _/],
    [[], /the plugin's name is missing/],
    [["a", "b"], /expected one name, got "b" too/],
  ];
  for (const [args, message] of wrong) {
    const { code, stderr } = await mevent(["plugin", "new", ...args]);
    assertEquals(code, 64);
    assertMatch(stderr, message);
  }
});
