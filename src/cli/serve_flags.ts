import { PLUGIN_DEFAULTS, SERVER_DEFAULTS } from "../config/defaults.ts";
import type { Flag } from "./flag.ts";
import { CONFIG_FLAG } from "./config/source.ts";
import type { ParsedCommand } from "./parsed_command.ts";
import { UsageError } from "./usage_error.ts";

/** What the commands take that read a server's config. */
export const SERVE_FLAGS: readonly Flag[] = [
  CONFIG_FLAG,
  {
    name: "listen",
    value: "ADDR",
    repeat: true,
    help: "Listens on TCP at host:port; port 0 takes a free one.",
  },
  { name: "udp", value: "ADDR", repeat: true, help: "Listens on UDP at host:port." },
  {
    name: "unix",
    value: "PATH",
    repeat: true,
    help: "Listens on a Unix socket; PATH?mode=0660&group=NAME says who may use it.",
  },
  { name: "http", value: "ADDR", repeat: true, help: "Answers JSON over HTTP at host:port." },
  {
    name: "forward",
    value: "NAME=ADDR",
    repeat: true,
    help: "Has the server at host:port answer for plugins: NAME,NAME=host:port.",
  },
  { name: "no-tcp", help: "Does not listen on TCP." },
  { name: "no-udp", help: "Does not listen on UDP." },
  {
    name: "async-reply",
    negatable: true,
    help: "Whether async requests are told that they were queued; --no-async-reply is for clients of old.",
  },
  { name: "max-frame", value: "SIZE", help: 'The longest message: 65536, "64 KiB".' },
  { name: "log-level", value: "LEVEL", help: "debug, info, warn or error." },
  { name: "log-format", value: "FORMAT", help: "text, json, or auto: text on a terminal, json elsewhere." },
  {
    name: "set",
    value: "KEY=VALUE",
    repeat: true,
    help: "Sets any other key of [server]: drain_timeout=5s.",
  },
];

/** What is meant by an argument that the commands do not take which read a server's config: a key of it, its file. */
export function meantByServer(argument: string): string | undefined {
  if (!argument.startsWith("-")) return argument.endsWith(".toml") ? `--config ${argument}` : undefined;
  const key = argument.replace(/^-+/, "").replaceAll("-", "_");
  if (["tcp", "port", "host", "bind", "address"].includes(key)) return "--listen HOST:PORT";
  if (Object.hasOwn(SERVER_DEFAULTS, key)) return `--set ${key}=VALUE`;
  return Object.hasOwn(PLUGIN_DEFAULTS, key) ? `${key} in a [[plugin]] table of the config` : undefined;
}

/** What the flags set of `[server]`, by the config's keys. Throws UsageError. */
export function serverOverrides(args: ParsedCommand): Record<string, unknown> {
  const overrides: Record<string, unknown> = {};
  for (const pair of args.texts("set")) {
    const at = pair.indexOf("=");
    if (at < 1) throw new UsageError(`--set: expected KEY=VALUE, got ${JSON.stringify(pair)}`);
    overrides[pair.slice(0, at)] = pair.slice(at + 1);
  }
  for (
    const [name, key] of [
      ["listen", "tcp"],
      ["udp", "udp"],
      ["unix", "unix"],
      ["http", "http"],
      ["forward", "forward"],
    ] as const
  ) {
    const addresses = args.texts(name);
    if (addresses.length > 0) overrides[key] = addresses;
  }
  for (const [name, key, contrary] of [["no-tcp", "tcp", "listen"], ["no-udp", "udp", "udp"]] as const) {
    if (args.isOn(name) === undefined) continue;
    if (args.texts(contrary).length > 0) {
      throw new UsageError(`--${name} and --${contrary} contradict each other`);
    }
    overrides[key] = [];
  }
  for (
    const [name, key] of [["max-frame", "max_frame"], ["log-level", "log_level"], [
      "log-format",
      "log_format",
    ]] as const
  ) {
    const text = args.text(name);
    if (text !== undefined) overrides[key] = text;
  }
  const asyncReply = args.isOn("async-reply");
  if (asyncReply !== undefined) overrides["async_reply"] = asyncReply;
  return overrides;
}
