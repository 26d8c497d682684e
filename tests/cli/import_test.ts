import { assertEquals, assertStringIncludes } from "@std/assert";
import type { Config } from "../../src/config/config.ts";
import { loadConfig } from "../../src/config/load.ts";
import { databaseUrl } from "../../src/cli/import/database_url.ts";
import { AuthorFolder } from "../support/author_folder.ts";
import { mevent, type Outcome } from "../support/mevent.ts";

/** Imports files, the first of them by its name, and loads what came out. */
async function imported(
  files: Readonly<Record<string, string | Uint8Array>>,
  ...flags: string[]
): Promise<Outcome & { readonly config: Config }> {
  await using folder = await AuthorFolder.create();
  for (const [name, text] of Object.entries(files)) {
    const bytes = typeof text === "string" ? text.replaceAll("FOLDER", folder.path) : text;
    await Deno.writeFile(
      `${folder.path}/${name}`,
      typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes,
    );
  }
  const outcome = await mevent(["import", `${folder.path}/${Object.keys(files)[0]}`, ...flags]);
  assertEquals(outcome.code, 0, outcome.stderr);
  const shown = { ...outcome, stderr: outcome.stderr.replaceAll(`${folder.path}/`, "") };
  return {
    ...shown,
    config: loadConfig({ file: "imported.toml", text: outcome.stdout, env: {}, flags: {} }),
  };
}

const SERVER = `hdf.loadpaths.0 = FOLDER
# the daemon
Config {
  logfile = /var/log/mevent
  trace_level = 3
  tcp_port = 26010
}
Server { # what is loaded
  plugin_path = /usr/local/lib/
  plugins {
    0 {
      name = skeleton
    }
    1 {
      name = bank
      numberofthreads = 100
      mates.0 = watch
    }
    2 = 7
  }
  odd = 1
}
#include "plugin.hdf"
Spare.x = 1
`;
const PLUGIN = `DB.main = pgsql:dbname=shop host=10.1.2.3 user=app password='se cret' connect_timeout=5
Plugin {
  skeleton.numobjs = 2048
  bank {
    dbsn : DB.main
    InsertCol.log.uid [type=int, require=true] = user_id
    InsertCol.log.Remark = Remark
    limit = 086
    tries = 3
    sub.a = x
  }
  gone.x = 1
}
`;

Deno.test("a config of the C daemon becomes one with its addresses, plugins, threads, caches and own keys", async () => {
  const { config, stderr } = await imported({ "server.hdf": SERVER, "plugin.hdf": PLUGIN });
  assertEquals(config.server.logLevel, "warn");
  assertEquals(
    config.listeners.map(({ transport, asyncReply, legacy, charset, ...rest }) => {
      return [transport, "port" in rest ? rest.port : 0, asyncReply, legacy, charset];
    }),
    [["tcp", 26010, false, true, "utf-8"], ["udp", 26000, false, true, "utf-8"]],
  );
  const [skeleton, bank, database, seventh, ...others] = config.plugins;
  assertEquals(others, []);
  assertEquals([skeleton!.module, skeleton!.cache.maxEntries], ["builtin:skeleton", 2048]);
  assertEquals([bank!.name, bank!.workers, bank!.config], ["bank", 64, {
    limit: "086",
    tries: 3,
    sub: { a: "x" },
  }]);
  assertEquals([seventh!.name, seventh!.biz], ["plugin_7", 7]);
  assertEquals([database!.name, database!.module, database!.permissions.net], ["bank_db", "builtin:sql", [
    "10.1.2.3:5432",
  ]]);
  assertEquals(database!.config, {
    url: "postgres://app@10.1.2.3:5432/shop",
    password_file: "./bank_db.password",
    tables: { log: ["user_id", "Remark"] },
    statements: { insert_log: 'INSERT INTO log (user_id, "Remark") VALUES (:uid, :Remark)' },
  });
  for (
    const remark of [
      "server.hdf, line 4: Config.logfile: the log goes to stderr",
      "server.hdf, line 17: Server.plugins.1.mates.0: threads beside the plugin have no counterpart",
      "server.hdf, line 14: Server.plugins.1: 100 threads become 64 workers",
      "server.hdf, line 21: Server.odd: has no counterpart",
      "server.hdf, line 24: Spare: the daemon reads nothing of that name",
      "plugin.hdf, line 5: Plugin.bank.dbsn: connect_timeout=5 has no counterpart",
      "plugin.hdf, line 6: Plugin.bank.InsertCol.log.uid: is required: let the column user_id be NOT NULL",
      "plugin.hdf, line 12: Plugin.gone: no plugin of that name is loaded",
      "./bank.ts takes its place (mevent plugin new bank)",
    ]
  ) assertStringIncludes(stderr, remark);
});

Deno.test("the older form of the config, without plugins, and in GBK is read too", async () => {
  const older = await imported({
    "server.hdf": "Mevent {\n  trace_level = 6\n  plugins {\n    0 = skeleton\n  }\n}\n",
  });
  assertEquals([older.config.server.logLevel, older.config.plugins.map(({ name }) => name)], ["debug", [
    "skeleton",
  ]]);
  const none = await imported({ "server.hdf": "Config.udp_port = 70000\n" });
  assertEquals(none.config.plugins, []);
  assertStringIncludes(none.stderr, 'Config.udp_port: is no port: "70000"; 26000 is used');
  const text = new TextEncoder().encode("Server.plugins.0 = skeleton\nPlugin.skeleton.city = ");
  const gbk = await imported(
    { "server.hdf": new Uint8Array([...text, 0xb1, 0xb1, 0xbe, 0xa9, 10]) },
    "--charset",
    "gbk",
  );
  assertEquals([gbk.config.plugins[0]!.config, gbk.config.listeners[0]!.charset], [{ city: "北京" }, "gbk"]);
});

Deno.test("with --output the config and each password are written, that one for its owner alone, and nothing is overwritten", async () => {
  await using folder = await AuthorFolder.create();
  await folder.write(
    "server.hdf",
    "Server.plugins.0 = a\nPlugin.a.dbsn = mysql:dbname=d;host=db;user=u;password=top%secret\nPlugin.a.InsertCol.t.x = y\n",
  );
  const args = ["import", `${folder.path}/server.hdf`, "--output", `${folder.path}/mevent.toml`];
  const { code, stdout, stderr } = await mevent(args);
  assertEquals([code, stdout], [0, `wrote ${folder.path}/a_db.password\nwrote ${folder.path}/mevent.toml\n`]);
  assertEquals(await folder.read("a_db.password"), "top%secret\n");
  assertEquals((await Deno.stat(`${folder.path}/a_db.password`)).mode! & 0o777, 0o600);
  assertEquals((stdout + stderr + await folder.read("mevent.toml")).includes("top%secret"), false);
  const again = await mevent(args);
  assertEquals([again.code, again.stdout], [65, ""]);
  assertStringIncludes(again.stderr, "a_db.password");
  assertEquals(await folder.read("a_db.password"), "top%secret\n");
});

Deno.test("what cannot be read is told with file and line", async () => {
  await using folder = await AuthorFolder.create();
  await folder.write("bad.hdf", "a = 1\n?\n");
  await Deno.writeFile(`${folder.path}/gbk.hdf`, new Uint8Array([97, 61, 0xb1, 0xb1, 10]));
  for (
    const [name, problem] of [
      ["bad.hdf", "bad.hdf: HDF line 2: no name before"],
      ["gbk.hdf", "gbk.hdf: is not UTF-8: say what it is written in, as --charset gbk"],
      ["none.hdf", "none.hdf: there is no such file"],
    ]
  ) {
    const { code, stderr } = await mevent(["import", `${folder.path}/${name}`]);
    assertEquals(code, 65, name);
    assertStringIncludes(stderr, problem!);
  }
});

Deno.test("connection texts become URLs without their password", () => {
  const url = (text: string) => databaseUrl(text)?.url;
  assertEquals(url("pgsql:dbname=shop"), "postgres://127.0.0.1:5432/shop");
  assertEquals(url("pgsql: host=::1 port=6000 dbname='a b' user=o'k"), "postgres://o'k@[::1]:6000/a%20b");
  assertEquals(url("pgsql:host=/run/postgresql dbname=x"), "postgres:///x?socket=/run/postgresql");
  assertEquals(url("mysql:host=db;dbname=x;username=u@h"), "mysql://u%40h@db:3306/x");
  assertEquals(databaseUrl("sqlite:/var/lib/a.db"), {
    ...{ url: "sqlite:/var/lib/a.db", password: undefined, net: undefined, path: "/var/lib/a.db", rest: [] },
  });
  assertEquals(databaseUrl("oci:whatever"), undefined);
  assertEquals(databaseUrl("pgsql:password='a\\'b' dbname=x")?.password, "a'b");
});
