import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { loadSnapshot } from "../../plugins/kv/snapshot.ts";
import { PLUGIN_DEFAULTS } from "../../src/config/defaults.ts";
import { Encoding } from "../../src/protocol/body.ts";
import {
  ask,
  CAS,
  DEL,
  GET,
  INCR,
  inFolder,
  namesIn,
  SET,
  SNAPSHOT,
  start,
  startIn,
} from "../support/kv_server.ts";
import { MeventProcess } from "../support/mevent.ts";
import { RawConnection } from "../support/raw_connection.ts";
import { streamRequest, valueOf } from "../support/requests.ts";
import { type PluginOverrides, TestServer } from "../support/test_server.ts";
import { until } from "../support/until.ts";

Deno.test("kv gets, sets, deletes, counts and swaps, for a time or for good, and beside the system commands", async () => {
  await using server = await start({ workers: 2 });
  using connection = await server.connect();
  assertEquals(await ask(connection, GET, { key: "a" }), [24, 'there is no key "a"']);
  assertEquals(await ask(connection, SET, { key: "a", value: "ü €" }), [1000, null]);
  assertEquals(await ask(connection, GET, { key: "a" }), [1000, { value: "ü €" }]);
  assertEquals(await ask(connection, 100, { cachekey: "a" }), [1000, { cacheval: "ü €" }]);
  assertEquals(await ask(connection, DEL, { key: "a" }), [1000, { deleted: true }]);
  assertEquals(await ask(connection, DEL, { key: "a" }), [1000, { deleted: false }]);
  assertEquals(await ask(connection, INCR, { key: "n" }), [1000, { value: 1 }]);
  assertEquals(await ask(connection, INCR, { key: "n", by: -5 }), [1000, { value: -4 }]);
  assertEquals(await ask(connection, GET, { key: "n" }), [1000, { value: "-4" }]);
  assertEquals(await ask(connection, CAS, { key: "c", value: "1" }), [1000, { swapped: true }]);
  assertEquals(await ask(connection, CAS, { key: "c", value: "2" }), [1000, { swapped: false }]);
  assertEquals(await ask(connection, CAS, { key: "c", expected: "1", value: "2" }), [1000, {
    swapped: true,
  }]);
  assertEquals(await ask(connection, SET, { key: "short", value: "x", expire: 0.05 }), [1000, null]);
  assertEquals(await ask(connection, INCR, { key: "shortCount", expire: 0.05 }), [1000, { value: 1 }]);
  assertEquals(await ask(connection, INCR, { key: "shortCount", expire: 1000 }), [1000, { value: 2 }]);
  await until("it is gone", async () => (await ask(connection, GET, { key: "shortCount" }))[0] === 24);
  assertEquals((await ask(connection, GET, { key: "short" }))[0], 24);
  await connection.send(
    streamRequest({ plugin: "kv", command: GET, params: { key: "c" }, encoding: Encoding.Hdf }),
  );
  assertEquals(valueOf(await connection.reply()), { value: "2" });
});

Deno.test("kv says what is wrong with params, values and sizes", async () => {
  await using server = await start({ cache: { maxEntries: 10, maxBytes: 1000 } });
  using connection = await server.connect();
  await ask(connection, SET, { key: "text", value: "abc" });
  await ask(connection, SET, { key: "most", value: String(Number.MAX_SAFE_INTEGER) });
  for (
    const [command, params, code, sentence] of [
      [GET, {}, 23, '"key"'],
      [GET, { key: "" }, 23, "at least one character"],
      [SET, { key: "a" }, 23, '"value"'],
      [SET, { key: "a", value: { b: 1 } }, 23, '"value"'],
      [SET, { key: "a", value: "b", expire: -1 }, 23, '"expire"'],
      [SET, { key: "a", value: "b", expire: "soon" }, 23, '"expire"'],
      [SET, { key: "a", value: "x".repeat(1000) }, 19, "larger than the whole cache"],
      [CAS, { key: "a", value: "x".repeat(1000) }, 19, "larger than the whole cache"],
      [INCR, { key: "text" }, 25, "no whole number"],
      [INCR, { key: "most" }, 19, "beyond"],
      [INCR, { key: "n", by: 1.5 }, 23, '"by"'],
      [SNAPSHOT, {}, 26, "no snapshot is configured"],
    ] as const
  ) {
    const [got, message] = await ask(connection, command, params);
    assertEquals(got, code, JSON.stringify(params).slice(0, 60));
    assertStringIncludes(String(message), sentence);
  }
  assertEquals(await ask(connection, GET, { key: "text" }), [1000, { value: "abc" }]);
});

Deno.test("what kv holds at the stop it holds after the start, with what is left of its time; with several workers, too", async () => {
  await inFolder(async (folder) => {
    const odd = 'line\nbreak, "quotes", \u0000, \ud83d\ude00';
    const texts = Array.from(
      { length: 3000 },
      (_, n) => [`key ${n}`, `${odd} ${"x".repeat(n % 200)}`] as const,
    );
    let isOver = 0;
    {
      await using server = await startIn(folder, { workers: 3 });
      using connection = await server.connect();
      await connection.send(
        ...texts.map(([key, value], id) =>
          streamRequest({ id, plugin: "kv", command: SET, params: { key, value } })
        ),
      );
      for (const _ of texts) assertEquals((await connection.reply()).code, 1000);
      await ask(connection, SET, { key: "long", value: "1", expire: 1000 });
      await ask(connection, SET, { key: "short", value: "1", expire: 0.3 });
      isOver = Date.now() + 300;
    }
    assertEquals(namesIn(folder), ["kv.snapshot"]);
    assertEquals((await Deno.stat(`${folder}/kv.snapshot`)).mode! & 0o777, 0o600);
    // The time that counts is the wall clock's, over the stop.
    await until("the short one is over", () => Date.now() > isOver);
    await using server = await startIn(folder, { workers: 3 });
    using connection = await server.connect();
    for (const [key, value] of texts.filter((_, n) => n % 100 === 0)) {
      assertEquals(await ask(connection, GET, { key }), [1000, { value }]);
    }
    assertEquals((await ask(connection, GET, { key: "short" }))[0], 24);
    assertEquals(await ask(connection, GET, { key: "long" }), [1000, { value: "1" }]);
    assertEquals(server.plugin("kv").cache_entries, texts.length + 1);
    const told = server.log.map((line) => JSON.parse(line)).filter(({ message }) =>
      message === "the snapshot is read"
    );
    assertEquals(told.length, 1);
    // Expired ones are not told of again, and none has lost its end.
    const [, { entries }] = await ask(connection, SNAPSHOT) as [number, { entries: number }];
    assertEquals(entries, texts.length + 1);
    const line = (await Deno.readTextFile(`${folder}/kv.snapshot`)).split("\n").find((each) =>
      each.startsWith('["long"')
    )!;
    const left = (JSON.parse(line)[2] - Date.now()) / 1000;
    assert(left > 900 && left < 1000, String(left));
  });
});

Deno.test("a worker that takes the place of another does not read the snapshot again", async () => {
  await inFolder(async (folder) => {
    {
      await using server = await startIn(folder);
      using connection = await server.connect();
      await ask(connection, SET, { key: "a", value: "old" });
    }
    await using server = await startIn(folder, { recycleAfter: 2 });
    using connection = await server.connect();
    assertEquals(await ask(connection, GET, { key: "a" }), [1000, { value: "old" }]);
    await ask(connection, DEL, { key: "a" });
    await until("the worker was recycled", async () => {
      await ask(connection, DEL, { key: "b" });
      return server.plugin("kv").recycled > 0;
    });
    assertEquals((await ask(connection, GET, { key: "a" }))[0], 24);
  });
});

Deno.test("a torn, changed or foreign file is refused with a sentence, and stays as it is", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/kv.snapshot`;
    {
      await using server = await startIn(folder);
      using connection = await server.connect();
      for (let n = 0; n < 50; n++) await ask(connection, SET, { key: `k${n}`, value: "value" });
    }
    const good = await Deno.readTextFile(path);
    const lines = good.split("\n");
    const cache = { set: () => Promise.resolve() };
    const log = { debug() {}, info() {}, warn() {}, error() {} };
    for (
      const [text, sentence] of [
        [good.slice(0, good.length / 2), "is damaged"],
        [lines.slice(0, -2).join("\n") + "\n", "its end is missing"],
        [good.slice(0, -5), "is damaged"],
        [good.replace('"value"', '"valve"'), "it is not what was written"],
        [good.replace(lines[3] + "\n", ""), "it is not what was written"],
        [good + good, "something follows its end"],
        [good.replace(lines[2]!, "[1]"), "line 3 is none of its lines"],
        ["", "no snapshot of kv"],
        ["root:x:0:0\n", "no snapshot of kv"],
        ['{"mevent":"kv","version":2,"taken":1}\n', "no snapshot of kv"],
      ] as const
    ) {
      await Deno.writeTextFile(path, text);
      const error = await assertRejects(() => loadSnapshot(path, { cache, log }), Error);
      assertStringIncludes(error.message, sentence);
      assertStringIncludes(error.message, path);
      assertEquals(await Deno.readTextFile(path), text);
    }
    // It keeps the server from starting.
    await assertRejects(() => startIn(folder), Error, `${path} is no snapshot of kv`);
    await Deno.writeTextFile(path, good);
    await using server = await startIn(folder);
    using connection = await server.connect();
    assertEquals(await ask(connection, GET, { key: "k7" }), [1000, { value: "value" }]);
    // Put there while it runs.
    await Deno.writeTextFile(path, "somebody's letter");
    const [code, message] = await ask(connection, SNAPSHOT);
    assertEquals(code, 14);
    assertStringIncludes(String(message), "no snapshot of kv");
    assertEquals(await Deno.readTextFile(path), "somebody's letter");
    await Deno.remove(path);
  });
});

Deno.test("kv whose cache is too small for an entry of the snapshot does not start", async () => {
  await inFolder(async (folder) => {
    const server = await startIn(folder);
    using connection = await server.connect();
    await ask(connection, SET, { key: "long", value: "x".repeat(2000) });
    await server[Symbol.asyncDispose]();
    const small = startIn(folder, { cache: { maxEntries: 10, maxBytes: 1000 } });
    await assertRejects(() => small, Error, 'the entry "long" is larger than the whole cache may be');
  });
});

Deno.test("kv without the permissions for its snapshot, without its folder, or with another config says what is missing", async () => {
  await inFolder(async (folder) => {
    const snapshot = `${folder}/kv.snapshot`;
    for (
      const [overrides, sentence] of [
        [{ config: { snapshot } }, `permissions = { read = ["${folder}"], write = ["${folder}"] }`],
        [
          { config: { snapshot }, permissions: { ...PLUGIN_DEFAULTS.permissions, read: true } },
          `write = ["${folder}"]`,
        ],
        [
          {
            config: { snapshot: `${folder}/sub/kv` },
            permissions: { ...PLUGIN_DEFAULTS.permissions, read: true, write: true },
          },
          "is not there; make it",
        ],
        [{ config: { snapshot: 5 } }, "config.snapshot"],
        [{ config: { snapshot: `${folder}/` } }, "config.snapshot is to be the path of a file"],
        [{ config: { snapshot, interval: "often" } }, "config.interval"],
        [{ config: { snapshot, interval: "0s" } }, "config.interval"],
        [{ config: { snapshots: "x" } }, 'config has no key "snapshots"'],
      ] satisfies [Partial<PluginOverrides>, string][]
    ) {
      const error = await assertRejects(() => start(overrides), Error);
      assertStringIncludes(error.message, sentence);
    }
  });
});

Deno.test("kv writes its snapshot at the interval, and one that fails leaves the last one and nothing else", async () => {
  await inFolder(async (folder) => {
    const config = { snapshot: `${folder}/kv.snapshot`, interval: "1s" };
    await using server = await startIn(folder, { config });
    using connection = await server.connect();
    await ask(connection, SET, { key: "a", value: "1" });
    await server.until("it is written", () => (server.plugin("kv").gauges["snapshot_entries"] ?? 0) === 1);
    const before = await Deno.readTextFile(config.snapshot);
    assertStringIncludes(before, '["a","1",0]');
    await Deno.rename(folder, `${folder}.away`);
    await server.until("one has failed", () => server.log.some((line) => line.includes("a timer failed")));
    const failed = JSON.parse(server.log.find((line) => line.includes("a timer failed"))!);
    assertEquals([failed.plugin, failed.timer], ["kv", "snapshot"]);
    assertStringIncludes(
      failed.error,
      `${config.snapshot} cannot be written: there is no such file or folder`,
    );
    await ask(connection, SET, { key: "a", value: "2" });
    await Deno.rename(`${folder}.away`, folder);
    await until("it is written again", () => Deno.readTextFileSync(config.snapshot).includes('["a","2",0]'));
    assertEquals(namesIn(folder), ["kv.snapshot"]);
  });
});

Deno.test("after a kill -9 kv holds what the last snapshot held, whatever was being written", async () => {
  await inFolder(async (folder) => {
    const config = `${folder}/kv.toml`;
    const socket = `${folder}/socket`;
    await Deno.writeTextFile(
      config,
      `[server]
tcp = ""
udp = ""
unix = "${socket}"
control = "none"
[[plugin]]
name = "kv"
module = "builtin:kv"
permissions = { read = ["${folder}"], write = ["${folder}"] }
[plugin.config]
snapshot = "${folder}/kv.snapshot"
interval = "1h"
`,
    );
    const serve = async () => {
      const process = new MeventProcess("serve", "--config", config);
      await until("it listens", async () => {
        if (/kv does not load/.test(process.stderr)) throw new Error(process.stderr);
        return await Deno.connect({ transport: "unix", path: socket }).then(
          (conn) => (conn.close(), true),
          () => false,
        );
      });
      return {
        process,
        connection: new RawConnection(await Deno.connect({ transport: "unix", path: socket })),
      };
    };
    const kill = async ({ process, connection }: Awaited<ReturnType<typeof serve>>) => {
      process.child.kill("SIGKILL");
      await process.end();
      connection[Symbol.dispose]();
    };
    let held = 0;
    for (let round = 0; round < 3; round++) {
      const running = await serve();
      const { connection } = running;
      const [code, value] = await ask(connection, GET, { key: "round" });
      assertEquals(
        [code, value],
        round === 0 ? [24, 'there is no key "round"'] : [1000, { value: String(round - 1) }],
      );
      await connection.send(
        ...Array.from({ length: 500 }, (_, id) => {
          const params = { key: `${round} ${id}`, value: "x".repeat(400) };
          return streamRequest({ id, plugin: "kv", command: SET, params });
        }),
      );
      await connection.replies(500);
      await ask(connection, SET, { key: "round", value: String(round) });
      const [, { entries }] = await ask(connection, SNAPSHOT) as [number, { entries: number }];
      assert(entries > held);
      held = entries;
      // What comes after it is lost; a snapshot that has begun is not seen.
      await ask(connection, SET, { key: "round", value: "lost" });
      await connection.send(streamRequest({ plugin: "kv", command: SNAPSHOT, sync: false }));
      if (round % 2 === 0) await connection.reply();
      await kill(running);
      const text = await Deno.readTextFile(`${folder}/kv.snapshot`);
      if (text.includes('["round","lost",0]')) {
        // The second one was quicker than the kill: it is as good.
        await Deno.writeTextFile(`${folder}/kv.snapshot`, text);
        const again = await serve();
        assertEquals(await ask(again.connection, GET, { key: "round" }), [1000, { value: "lost" }]);
        await ask(again.connection, SET, { key: "round", value: String(round) });
        await ask(again.connection, SNAPSHOT);
        await kill(again);
      }
    }
    await Deno.writeTextFile(`${folder}/kv.snapshot.left-behind.tmp`, "half");
    const last = await serve();
    assertEquals(await ask(last.connection, GET, { key: "2 499" }), [1000, { value: "x".repeat(400) }]);
    assertEquals(namesIn(folder).filter((name) => name.endsWith(".tmp")), []);
    await kill(last);
  });
});

Deno.test("while a snapshot of many entries is taken, kv and the others answer", async () => {
  await inFolder(async (folder) => {
    const count = 20_000;
    const permissions = { ...PLUGIN_DEFAULTS.permissions, read: [folder], write: [folder] };
    await using server = await TestServer.start({
      plugins: [
        { name: "kv", permissions, config: { snapshot: `${folder}/kv.snapshot` } },
        { name: "echo" },
      ],
    });
    using connection = await server.connect();
    await connection.send(
      ...Array.from(
        { length: count },
        (_, id) =>
          streamRequest({
            id,
            plugin: "kv",
            command: 101,
            params: { cachekey: `k${id}`, cacheval: "x".repeat(200) },
            sync: false,
          }),
      ),
    );
    for (let id = 0; id < count; id++) assertEquals((await connection.reply()).code, 1000);
    using other = await server.connect();
    await other.send(streamRequest({ id: 1, plugin: "kv", command: SNAPSHOT }));
    // All of these are answered before it is done: they come while it is written.
    let answered = 0;
    const snapshot = other.reply().then((reply) => ({ reply, answered }));
    for (; server.plugin("kv").counters["snapshots"] === undefined; answered++) {
      assertEquals((await ask(connection, INCR, { key: "counter" }))[0], 1000);
      await ask(connection, SET, { key: `k${answered}`, value: "changed" });
    }
    const { reply } = await snapshot;
    assertEquals(reply.code, 1000);
    assert(answered > 0);
    const { entries } = valueOf(reply) as { entries: number };
    assert(entries >= count, String(entries));
    const keys = (await Deno.readTextFile(`${folder}/kv.snapshot`)).split("\n").slice(1, -2).map((line) =>
      JSON.parse(line)[0]
    );
    assertEquals(new Set(keys).size, keys.length);
  });
});
