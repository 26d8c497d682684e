import type { KeyPath } from "./config_error.ts";
import {
  ALERT_DEFAULTS,
  GRANT_DEFAULTS,
  LISTENER_DEFAULTS,
  PLUGIN_DEFAULTS,
  RECEIVER_DEFAULTS,
} from "./defaults.ts";
import { isTable, type Table } from "./is_table.ts";
import type { Layers, Origin } from "./layers.ts";
import { variableOf } from "./overrides.ts";
import { OF_HTTP, OF_WIRE, PLUGIN_ENTRIES, SERVER_ENTRIES } from "./schema.ts";

/** A key of a config: no table, but what stands in one. */
export interface ConfigEntry {
  /** From the table that has a header: `["server"]`, `["plugin", 0]`. */
  readonly table: KeyPath;
  /** Below that: `["retry", "max_attempts"]`. */
  readonly key: readonly string[];
  /** As it was written; undefined where it has no value and no default. */
  readonly value: unknown;
  readonly origin: Origin;
  /** `mevent.toml:12:1`, `MEVENT_TCP`, `command line` or `default`. */
  readonly place: string;
}

/** Every key of a config, in the order of the example, with its value and where that comes from. */
export function configEntries(layers: Layers): ConfigEntry[] {
  const { document, server } = layers;
  const plugins = rows(document["plugin"]);
  const none: ConfigEntry[] = plugins.length > 0
    ? []
    : [{ table: [], key: ["plugin"], value: [], origin: "file", place: layers.placeOf(["plugin"]) }];
  return [
    ...none,
    ...Object.keys(SERVER_ENTRIES).map((key): ConfigEntry => {
      const origin = layers.originOf(key);
      const place = origin === "environment"
        ? variableOf(key)
        : origin === "flag"
        ? "command line"
        : origin === "file"
        ? layers.placeOf(["server", key])
        : "default";
      return { table: ["server"], key: [key], value: server[key], origin, place };
    }),
    ...rows(document["listener"]).flatMap((listener, at) =>
      tableEntries(layers, ["listener", at], listener, listenerDefaults(listener))
    ),
    ...(["token", "certificate"] as const).flatMap((table) =>
      rows(document[table]).flatMap((row, at) => tableEntries(layers, [table, at], row, GRANT_DEFAULTS))
    ),
    ...rows(document["alert"]).flatMap((row, at) => tableEntries(layers, ["alert", at], row, ALERT_DEFAULTS)),
    ...rows(document["receiver"]).flatMap((row, at) =>
      tableEntries(layers, ["receiver", at], row, receiverDefaults(row))
    ),
    ...plugins.flatMap((plugin, at) => {
      const others = Object.keys(PLUGIN_ENTRIES).map((key) => [key, undefined]);
      return tableEntries(layers, ["plugin", at], plugin, {
        ...Object.fromEntries(others),
        ...PLUGIN_DEFAULTS,
        queue: { ...PLUGIN_DEFAULTS.queue, ...journalQueue(plugin) },
      });
    }),
  ];
}

/** Of the keys that a listener of its transport has. */
function listenerDefaults(listener: Table): Table {
  const foreign = Object.hasOwn(listener, "http") ? OF_WIRE : OF_HTTP;
  return Object.fromEntries(Object.entries(LISTENER_DEFAULTS).filter(([key]) => !foreign.includes(key)));
}

/** `format` and `headers` are of a webhook alone. */
function receiverDefaults(receiver: Table): Table {
  const { timeout, ...ofWebhook } = RECEIVER_DEFAULTS;
  return Object.hasOwn(receiver, "command") ? { timeout } : { ...ofWebhook, timeout };
}

/** Where what waits is on disk, that bounds the queue. */
function journalQueue({ durability, journal }: Table): { readonly max_bytes?: unknown } {
  if (durability !== "journal") return {};
  const given = isTable(journal) ? journal["max_disk"] : undefined;
  return { max_bytes: given ?? PLUGIN_DEFAULTS.journal.max_disk };
}

function tableEntries(layers: Layers, table: KeyPath, values: Table, defaults: Table): ConfigEntry[] {
  const leaves = (given: Table, otherwise: Table, above: readonly string[]): ConfigEntry[] =>
    [...new Set([...Object.keys(otherwise), ...Object.keys(given)])].flatMap((name) => {
      const key = [...above, name];
      const isGiven = Object.hasOwn(given, name);
      const own = isGiven ? given[name] : undefined;
      // A key of a plugin's own config may be called like what every object has: `valueOf`.
      const preset = Object.hasOwn(otherwise, name) ? otherwise[name] : undefined;
      const isEmpty = isTable(own) && Object.keys(own).length === 0 && preset === undefined;
      if (!isEmpty && (isTable(own) || (!isGiven && isTable(preset)))) {
        return leaves(isTable(own) ? own : {}, isTable(preset) ? preset : {}, key);
      }
      const path = [...table, ...key];
      const isInFile = isGiven && layers.has(path);
      return [{
        table,
        key,
        value: isGiven ? own : preset,
        origin: isInFile ? "file" : "default",
        place: isInFile ? layers.placeOf(path) : "default",
      }];
    });
  return leaves(values, defaults, []);
}

function rows(list: unknown): Table[] {
  return Array.isArray(list) ? list.filter(isTable) : [];
}
