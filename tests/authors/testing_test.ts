import { assert, assertEquals, assertMatch } from "@std/assert";
import assertStrict from "node:assert/strict";
import { openPlugin, test } from "mevent/testing";
import { PLUGIN_ENTRIES } from "../../src/config/schema.ts";
import { Nursery } from "../../src/thread/nursery.ts";

// One server after the other: what starts their threads is started once.
Nursery.kept = 1;

/** Relative to this file, as all paths that openPlugin takes. */
const module = "../support/notes_plugin.ts";

test("openPlugin runs a plugin in the real server, with the name and number of its module", async () => {
  await using plugin = await openPlugin(module, { config: { currency: "EUR" } });
  assertEquals([plugin.name, plugin.biz], ["notes", 40]);
  assertEquals(await plugin.call("config"), { config: { currency: "EUR" }, worker: 0 });
  assertEquals(await plugin.call(1003), undefined);
  assertEquals(plugin.stats().done, 2);
});

test("a call that fails rejects with the reply's code and sentence", async () => {
  await using plugin = await openPlugin(module);
  await assertStrict.rejects(plugin.call("fail"), {
    name: "CallError",
    code: 40,
    message: "there is no such note",
  });
  await assertStrict.rejects(plugin.call(1004), { code: 23 });
  await assertStrict.rejects(plugin.call(2000), { code: 18 });
  await assertStrict.rejects(plugin.call("unknown"), /has no command "unknown"; it has config, fail/);
});

test("enqueue and idle: what was queued is done, seen in cache, figures and log", async () => {
  let log: readonly { readonly message: string }[];
  {
    await using plugin = await openPlugin(module);
    log = plugin.log;
    for (const key of ["a", "b", "c"]) await plugin.enqueue("keep", { key, text: `text of ${key}` });
    await plugin.idle();
    assertEquals(await plugin.cache.get("b"), "text of b");
    assertEquals([await plugin.cache.delete("b"), await plugin.cache.delete("b")], [true, false]);
    assertEquals(await plugin.cache.get("b"), undefined);
    await plugin.cache.set("d", "set by the test");
    assertEquals(plugin.stats().cache_entries, 3);
    await plugin.cache.clear();
    assertEquals(await plugin.cache.get("d"), undefined);
    assertEquals(log.filter(({ message }) => message === "kept").length, 3);
    assertEquals(plugin.stats().done, 3);
  }
  assert(log.some(({ message }) => message === "stopped by itself"));
});

test("an operation that was queued is known by its id: how far it is, and what it came to", async () => {
  await using plugin = await openPlugin(module);
  const id = await plugin.enqueue("long", { rows: 3 });
  let progress = (await plugin.operation(id)).progress;
  for (; progress === undefined; progress = (await plugin.operation(id)).progress);
  assertEquals(progress, { done: 3, total: 5, note: "rows" });
  await plugin.cache.set("go on", "yes");
  const { state, attempts, code, result, progress: after } = await plugin.operation(id, 10_000);
  assertEquals([state, attempts, code, result, after], ["done", 1, 1000, { id }, undefined]);
  await assertStrict.rejects(plugin.operation("none"), { code: 23 });
  const failed = await plugin.enqueue("fail");
  assertEquals((await plugin.operation(failed, 10_000)).error, "there is no such note");
});

test("idle says what is not done in time, and waits for retries", async () => {
  await using plugin = await openPlugin(module, { retry: { max_attempts: 3, backoff: "50ms" } });
  await plugin.enqueue("break");
  await assertStrict.rejects(plugin.idle(1), /1 operations are not done after 1 ms/);
  await plugin.idle();
  const { retries, dead, failed } = plugin.stats();
  assertEquals([retries, dead, failed], [2, 1, 1]);
});

test("a plugin under test has the permissions that the test grants, and no others", async () => {
  const path = new URL("../../README.md", import.meta.url).pathname;
  await using sandboxed = await openPlugin(module);
  await assertStrict.rejects(sandboxed.call("read", { path }), { code: 14 });
  await using granted = await openPlugin(module, { permissions: { read: [path] } });
  assertMatch(String(await granted.call("read", { path })), /^# mevent/);
});

test("others are served beside the plugin, each with its own table", async () => {
  await using plugin = await openPlugin("builtin:echo", {
    name: "first",
    others: [{ module, name: "second", biz: 50, config: { second: true } }],
  });
  const params = { uid: 7, id: 1234567890123456789n };
  assertEquals([plugin.name, await plugin.call("echo", params)], ["first", params]);
  const others = [{ module, name: "first" }];
  await assertStrict.rejects(openPlugin("builtin:echo", { name: "first", others }), /first/);
});

test("openPlugin rejects where the plugin does not load, or the table is wrong", async () => {
  await assertStrict.rejects(openPlugin("./absent.ts"), /does not load/);
  await assertStrict.rejects(
    openPlugin(module, { name: "absent", workers: 0 }),
    /plugin\[0\]\.workers: expected/,
  );
  await assertStrict.rejects(
    openPlugin("./absent.ts", { name: "absent" }),
    /plugin absent does not load/,
  );
});

test("the options of openPlugin have every key of [[plugin]]", async () => {
  const text = await Deno.readTextFile(new URL("../../src/authors/testing_types.ts", import.meta.url));
  const table = text.slice(text.indexOf("interface PluginTable"));
  const keys = [...table.slice(0, table.indexOf("\n}\n")).matchAll(/^ {2}readonly (\w+)\?:/gm)].map((
    [, key],
  ) => key);
  const unknown = Object.keys(PLUGIN_ENTRIES).filter((key) => key !== "module" && !keys.includes(key));
  assertEquals(unknown, []);
});
