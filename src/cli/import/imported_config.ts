import type { HdfNode } from "../../hdf/node.ts";
import type { HdfConfig } from "../../hdf/read_config.ts";
import type { CharsetName } from "../../protocol/charset.ts";
import { importedPlugin, type LoadedPlugin, type SecretFile } from "./imported_plugin.ts";
import { Remarks } from "./remarks.ts";
import { TomlBlock } from "./toml_block.ts";

/** What a config of the C daemon becomes. */
export interface ImportedConfig {
  readonly toml: string;
  /** Files that it names, to be readable by their owner alone. */
  readonly secrets: readonly SecretFile[];
  /** What has no counterpart, or is left to do, a sentence each. */
  readonly remarks: readonly string[];
}

/** The port where the daemon is told none. */
const DAEMON_PORT = 26_000;
/** By trace_level: die, message, error, warning, info, debug, noise. */
const LOG_LEVELS = ["error", "error", "error", "warn", "info", "info", "debug"];
/** Who may connect: networks that no provider routes. */
const PRIVATE_NETWORKS = [
  "127.0.0.0/8",
  "10.0.0.0/8",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "::1/128",
  "fd00::/8",
];
const SERVER_KEYS = [
  "logfile",
  "trace_level",
  "foreground",
  "tcp_port",
  "udp_port",
  "plugin_path",
  "plugins",
  "smsalarm",
];
const FIRST_LEVEL = ["Config", "Server", "Mevent", "Plugin", "hdf"];

/** @param charset what the callers write */
export function importedConfig(config: HdfConfig, charset: CharsetName): ImportedConfig {
  const { root } = config;
  const remarks = new Remarks(config);
  for (const node of root.children()) {
    if (!FIRST_LEVEL.includes(node.name) && !config.isSource(node.name)) {
      remarks.on(node, "the daemon reads nothing of that name");
    }
  }
  // The older form has all of it in one block.
  const sections = ["Config", "Server", "Mevent"].flatMap((name) => root.get(name) ?? []);
  const find = (key: string): HdfNode | undefined =>
    sections.findLast((section) => section.get(key) !== undefined)?.get(key);
  for (const section of sections) {
    for (const node of section.children()) {
      if (!SERVER_KEYS.includes(node.name)) remarks.on(node, "has no counterpart");
    }
  }
  const server = new TomlBlock("[server]")
    .comment("The addresses are below, each with what clients of old need.")
    .set("tcp", "").set("udp", "");
  const level = LOG_LEVELS[Number(find("trace_level")?.value ?? 5)];
  if (level === undefined) remarks.on(find("trace_level")!, "is none of 0 to 6");
  else server.set("log_level", level);
  tellOfServer(find, remarks);
  const listeners = (["tcp", "udp"] as const).map((transport) => {
    const port = find(`${transport}_port`);
    const block = new TomlBlock("[[listener]]").set(transport, `0.0.0.0:${portOf(port, remarks)}`)
      .set("allow", PRIVATE_NETWORKS).set("async_reply", false).set("legacy", true);
    return charset === "utf-8" ? block : block.set("charset", charset);
  });
  remarks.generally(
    "the daemon answers whoever reaches it; here callers from private networks may connect: allow says which",
  );
  const plugins = loadedPlugins(find("plugins"), remarks);
  const settings = root.get("Plugin");
  for (const node of settings?.children() ?? []) {
    if (!plugins.some(({ name }) => name === node.name)) remarks.on(node, "no plugin of that name is loaded");
  }
  const imported = plugins.map((plugin) => importedPlugin(plugin, settings?.get(plugin.name), remarks));
  const blocks = [server, ...listeners, ...imported.flatMap(({ blocks }) => blocks)];
  const notes = remarks.all.map((remark) => `#  - ${remark}\n`).join("");
  return {
    toml: [
      ...notes === "" ? [] : [`# Left to do, or other than before:\n${notes}`],
      ...plugins.length === 0 ? ["plugin = []\n"] : [],
      ...blocks,
    ].join("\n"),
    secrets: imported.flatMap(({ secrets }) => secrets),
    remarks: remarks.all,
  };
}

function tellOfServer(find: (key: string) => HdfNode | undefined, remarks: Remarks): void {
  const told: readonly (readonly [string, string])[] = [
    ["logfile", "the log goes to stderr, for the service manager to keep"],
    ["foreground", "the server stays in the foreground always; a service manager starts it"],
    ["plugin_path", "plugins are modules, each named by its path"],
    ["smsalarm", "there are no messages to telephones: [[alert]] tells webhooks and commands"],
  ];
  for (const [key, text] of told) {
    const node = find(key);
    if (node !== undefined) remarks.on(node, text);
  }
}

function portOf(node: HdfNode | undefined, remarks: Remarks): number {
  if (node === undefined) return DAEMON_PORT;
  const port = Number(node.value);
  if (/^\d+$/.test(node.value ?? "") && port > 0 && port < 65_536) return port;
  remarks.on(node, `is no port: ${JSON.stringify(node.value ?? "")}; ${DAEMON_PORT} is used`);
  return DAEMON_PORT;
}

/** Both forms of the list: `plugins.N.name = NAME` with its threads, and `plugins.N = NAME`. */
function loadedPlugins(list: HdfNode | undefined, remarks: Remarks): LoadedPlugin[] {
  const plugins = new Map<string, LoadedPlugin>();
  for (const node of list?.children() ?? []) {
    const name = (node.get("name")?.value ?? node.value)?.trim();
    if (name === undefined || name === "") {
      remarks.on(node, "has no name");
      continue;
    }
    if (plugins.has(name)) {
      remarks.on(node, `plugin ${name} is there already`);
      continue;
    }
    for (const key of node.children()) {
      if (!["name", "numberofthreads", "mates"].includes(key.name)) remarks.on(key, "has no counterpart");
    }
    const threads = node.get("numberofthreads");
    plugins.set(name, { name, node, threads, mates: node.get("mates") });
  }
  return [...plugins.values()];
}
