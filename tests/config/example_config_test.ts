import { assert, assertEquals, assertThrows } from "@std/assert";
import { parse as parseToml } from "smol-toml";
import { ConfigError } from "../../src/config/config_error.ts";
import { ALERT_ENTRIES, RECEIVER_ENTRIES } from "../../src/config/alert_entries.ts";
import {
  ALERT_DEFAULTS,
  GRANT_DEFAULTS,
  LISTENER_DEFAULTS,
  PLUGIN_DEFAULTS,
  RECEIVER_DEFAULTS,
  SERVER_DEFAULTS,
} from "../../src/config/defaults.ts";
import { loadConfig } from "../../src/config/load.ts";
import {
  CACHE_ENTRIES,
  CERTIFICATE_ENTRIES,
  LISTENER_ENTRIES,
  PERMISSION_ENTRIES,
  PLUGIN_ENTRIES,
  QUEUE_ENTRIES,
  SERVER_ENTRIES,
  TOKEN_ENTRIES,
} from "../../src/config/schema.ts";
import { parseBytes } from "../../src/config/units.ts";

const EXAMPLE = "config.example.toml";

function loaded(text: string) {
  return loadConfig({ file: "mevent.toml", text, env: {}, flags: {} });
}

Deno.test("the example config loads to the default config, and its further listeners load too", () => {
  const { file: _, origins: _1, layers: _2, ...example } = loadConfig({ file: EXAMPLE, env: {}, flags: {} });
  const { file: _3, origins: _4, layers: _5, ...defaults } = loadConfig({ env: {}, flags: {} });
  assertEquals(example, defaults);
  assertEquals(loaded(uncommented()).listeners.map(({ transport }) => transport), [
    "tcp",
    "udp",
    "tcp",
    "udp",
    "unix",
    "http",
  ]);
});

Deno.test("the example config has every key of the schema and every default, and nothing else", () => {
  const { server, listener, token, certificate, receiver, alert, plugin, ...others } = plain(
    parseToml(uncommented()),
  );
  assertEquals(others, {});
  assertEquals(Object.keys(SERVER_DEFAULTS), Object.keys(SERVER_ENTRIES));
  assertEquals(server, { ...SERVER_DEFAULTS });

  assert(Array.isArray(listener) && Array.isArray(plugin));
  const listenerExample = Object.assign({}, ...listener);
  assertEquals(Object.keys(listenerExample).sort(), Object.keys(LISTENER_ENTRIES).sort());
  assertEquals(listenerExample.async_reply, LISTENER_DEFAULTS.async_reply);
  assert(Array.isArray(token) && Array.isArray(certificate));
  assertEquals(Object.keys(token[0]), Object.keys(TOKEN_ENTRIES));
  assertEquals(Object.keys(certificate[0]), Object.keys(CERTIFICATE_ENTRIES));
  assertEquals([token[0].rate, certificate[0].rate], [GRANT_DEFAULTS.rate, GRANT_DEFAULTS.rate]);

  assert(Array.isArray(receiver) && Array.isArray(alert));
  assertEquals(Object.keys(Object.assign({}, ...receiver)).sort(), Object.keys(RECEIVER_ENTRIES).sort());
  assertEquals(Object.keys(Object.assign({}, ...alert)).sort(), Object.keys(ALERT_ENTRIES).sort());
  const presets = [[receiver[0], RECEIVER_DEFAULTS], [alert[0], ALERT_DEFAULTS]];
  for (const [row, defaults] of presets) assertEquals({ ...row, ...structuredClone(defaults) }, row);

  const [example] = plugin;
  const { name, biz, module, concurrency, affinity, ...defaults } = example;
  assertEquals([name, biz, module, concurrency, affinity], ["skeleton", 1, "builtin:skeleton", 1, "uid"]);
  assertEquals(defaults, structuredClone(PLUGIN_DEFAULTS));
  assertEquals(Object.keys(example).sort(), Object.keys(PLUGIN_ENTRIES).sort());
  assertEquals(Object.keys(PLUGIN_DEFAULTS.queue), Object.keys(QUEUE_ENTRIES));
  assertEquals(Object.keys(PLUGIN_DEFAULTS.cache), Object.keys(CACHE_ENTRIES));
  assertEquals(Object.keys(PLUGIN_DEFAULTS.permissions), Object.keys(PERMISSION_ENTRIES));
});

Deno.test("the bounds that the example names are those of the schema", () => {
  const lines = Deno.readTextFileSync(EXAMPLE).split("\n");
  const named = lines.flatMap((line, at) => {
    const [, least, most] = /^# .*?(\d+(?: [KMG]iB| B)?) to (\d+(?: [KMG]iB| B)?)\b/.exec(line) ?? [];
    const key = lines.slice(at + 1).map((each) => /^#?(\w+) = /.exec(each)?.[1]).find((each) =>
      each !== undefined
    );
    return least === undefined || most === undefined || key === undefined ? [] : [{ key, least, most }];
  });
  const bounded = named.filter(({ key }) => key !== "name" && key !== "max_udp_errors");
  assertEquals(bounded.map(({ key }) => key), ["max_frame", "biz", "workers", "concurrency"]);
  for (const { key, least, most } of bounded) {
    const value = (text: string) => /^\d+$/.test(text) ? Number(text) : parseBytes(text);
    const table = key === "max_frame" ? "[server]" : '[[plugin]]\nname = "a"\nmodule = "builtin:echo"';
    for (const legal of [value(least), value(most)]) loaded(`${table}\n${key} = ${legal}\n`);
    for (const wrong of [value(least) - 1, value(most) + 1]) {
      assertThrows(() => loaded(`${table}\n${key} = ${wrong}\n`), ConfigError);
    }
  }
});

/** Tables as object literals make them. */
function plain(table: Record<string, unknown>): Record<string, unknown> {
  return JSON.parse(JSON.stringify(table));
}

/** The example with the keys that have no default; its comments proper have a space after the #. */
function uncommented(): string {
  return Deno.readTextFileSync(EXAMPLE).replaceAll(/^#(?=\[|\w)/gm, "");
}
