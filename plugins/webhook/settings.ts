import type { JsonObject } from "mevent/plugin";
import { TIME_UNITS } from "../../src/amount.ts";
import { ConfigTable, SettingsError } from "../config_table.ts";
import { HostPattern } from "./host_pattern.ts";
import type { CertificateFile } from "./clients.ts";
import { parseProxy, type Proxy } from "./proxy.ts";

const METHODS = ["POST", "PUT", "PATCH", "DELETE"];
const RATE = /^(\d{1,9}(?:\.\d{1,3})?)\/(s|m|h)$/;
/** What fetch sets itself, and what this plugin does. */
const RESERVED = new Set([
  "connection",
  "content-length",
  "host",
  "transfer-encoding",
  "webhook-id",
  "webhook-timestamp",
  "webhook-signature",
]);
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$/;

/** More secrets at once than a rotation needs: the header has a signature for each. */
const MAX_SECRETS = 8;

/** Where the secrets of signatures come from. */
export type SecretSource = {
  readonly kind: "text" | "file" | "env";
  /** The secrets, the files' paths or the variables' names. */
  readonly values: readonly string[];
  /** The key of the config, for sentences. */
  readonly key: string;
} | null;

/** How requests are made, unless an endpoint has it otherwise. */
export interface RequestSettings {
  readonly method: string;
  readonly headers: { readonly [name: string]: string };
  readonly secret: SecretSource;
  /** Null for none, whatever the environment says. */
  readonly proxy: Proxy | null;
  readonly caFile: CertificateFile | null;
  /** For one request with its response, in ms. */
  readonly timeout: number;
  /** Requests to the host that one worker has under way at once. */
  readonly concurrency: number;
  /** The least time between two requests to the host, in ms; 0 is no bound. */
  readonly interval: number;
}

/** A place that callers may name. */
export interface Endpoint extends RequestSettings {
  readonly name: string;
  readonly url: URL;
}

/** `[plugin.config]` of the webhook plugin. */
export interface WebhookSettings {
  readonly endpoints: ReadonlyMap<string, Endpoint>;
  readonly defaults: RequestSettings;
  /** Hosts that callers may name by a URL. */
  readonly allowHosts: readonly HostPattern[];
  /** Headers that callers may set, in lower case. */
  readonly allowHeaders: ReadonlySet<string>;
  /** How much of a response is read, in bytes. */
  readonly maxResponse: number;
  /** Failures in a row after which a host counts as down; 0 is never. */
  readonly breakerFailures: number;
  /** For how long, in ms. */
  readonly breakerPause: number;
}

const DEFAULTS: RequestSettings = {
  method: "POST",
  headers: {},
  secret: null,
  proxy: null,
  caFile: null,
  timeout: 10_000,
  concurrency: 8,
  interval: 0,
};

/** Throws SettingsError with a sentence for whoever wrote the config; it tells no secret. */
export function webhookSettings(config: JsonObject): WebhookSettings {
  const table = new ConfigTable(config, "config");
  const defaults = requestSettings(table, DEFAULTS);
  const settings = {
    endpoints: new Map(
      table.tables("endpoints").map(([name, each]) => [name, endpoint(name, each, defaults)]),
    ),
    defaults,
    allowHosts: table.texts("allow_hosts", []).map((text) => HostPattern.parse(text)),
    allowHeaders: new Set(
      table.texts("allow_headers", []).map((name) => header(table, "allow_headers", name)),
    ),
    maxResponse: table.bytes("max_response", { least: 0, most: 16 * 2 ** 20 }, 16 * 2 ** 10),
    breakerFailures: table.whole("breaker_failures", { least: 0, most: 1_000_000 }, 5),
    breakerPause: table.duration("breaker_pause", { least: 1, most: 3_600_000 }, 10_000),
  };
  table.end();
  if (settings.endpoints.size === 0 && settings.allowHosts.length === 0) {
    throw new SettingsError("config names neither endpoints nor allow_hosts: there is nowhere to deliver to");
  }
  refuseClashes([...settings.endpoints.values()]);
  return settings;
}

function endpoint(name: string, table: ConfigTable, defaults: RequestSettings): Endpoint {
  const url = URL.parse(table.text("url"));
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw table.wrong("url", "is to be a URL that begins with https:// or http://");
  }
  if (url.username !== "" || url.password !== "") {
    throw table.wrong("url", "has a user or a password in it; put them into headers.authorization");
  }
  url.hash = "";
  const settings = { name, url, ...requestSettings(table, defaults) };
  table.end();
  return settings;
}

function requestSettings(table: ConfigTable, defaults: RequestSettings): RequestSettings {
  return {
    method: table.choice("method", METHODS, defaults.method),
    headers: { ...defaults.headers, ...headers(table) },
    secret: secretOf(table) ?? defaults.secret,
    proxy: table.has("proxy") ? proxyOf(table) : defaults.proxy,
    caFile: table.has("ca_file") ? caFileOf(table) : defaults.caFile,
    timeout: table.duration("timeout", { least: 1, most: 3_600_000 }, defaults.timeout),
    concurrency: table.whole("concurrency", { least: 1, most: 65_536 }, defaults.concurrency),
    interval: table.has("rate") ? intervalOf(table) : defaults.interval,
  };
}

function headers(table: ConfigTable): { [name: string]: string } {
  const entries = Object.entries(table.textTable("headers")).map(([name, value]) => {
    if (/[^\t\x20-\x7e]/.test(value)) throw table.wrong(`headers.${name}`, "is not plain printable text");
    return [header(table, `headers.${name}`, name), value] as const;
  });
  return Object.fromEntries(entries);
}

function header(table: ConfigTable, key: string, name: string): string {
  if (!HEADER_NAME.test(name)) {
    throw table.wrong(key, `has ${JSON.stringify(name)}, which is no header's name`);
  }
  const lower = name.toLowerCase();
  if (RESERVED.has(lower)) throw table.wrong(key, `has ${lower}, which mevent sets itself`);
  return lower;
}

function secretOf(table: ConfigTable): SecretSource {
  const sources = (["text", "file", "env"] as const).flatMap((kind) => {
    const key = kind === "text" ? "secret" : `secret_${kind}`;
    return table.has(key) ? [{ kind, values: table.oneOrMore(key), key: `${table.path}.${key}` }] : [];
  });
  if (sources.length > 1) {
    throw table.wrong("secret", "is given more than once: secret, secret_file or secret_env");
  }
  const [source = null] = sources;
  if (source !== null && source.values.length > MAX_SECRETS) {
    throw new SettingsError(`${source.key} has ${source.values.length} secrets; it may have ${MAX_SECRETS}`);
  }
  return source;
}

/** It does not tell the proxy's user and password. */
function proxyOf(table: ConfigTable): Proxy | null {
  const text = table.text("proxy");
  if (text === "none") return null;
  const proxy = parseProxy(text);
  if (proxy !== null) return proxy;
  throw table.wrong("proxy", 'is to be "http://HOST:PORT", https://, socks5:// or socks5h://, or "none"');
}

function caFileOf(table: ConfigTable): CertificateFile {
  return { path: table.text("ca_file"), key: `${table.path}.ca_file` };
}

function intervalOf(table: ConfigTable): number {
  const [, number = "", unit = ""] = RATE.exec(table.text("rate")) ?? [];
  if (!(Number(number) > 0)) {
    throw table.wrong("rate", 'is to be a number of requests: "20/s", "100/m", "5000/h"');
  }
  return TIME_UNITS.get(unit)! / Number(number);
}

/** The bounds hold for a host: endpoints on the same one have the same. */
function refuseClashes(endpoints: readonly Endpoint[]): void {
  const byHost = new Map<string, Endpoint>();
  for (const each of endpoints) {
    const other = byHost.get(each.url.origin) ?? each;
    byHost.set(each.url.origin, other);
    if (other.concurrency === each.concurrency && other.interval === each.interval) continue;
    throw new SettingsError(
      `config.endpoints.${other.name} and ${each.name} are on the same host, ${each.url.host}: give them the same ` +
        "concurrency and rate, which hold for the host",
    );
  }
}
