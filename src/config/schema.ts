import * as v from "valibot";
import { ADMIN_KINDS } from "../auth/admin_level.ts";
import { AUTH_KINDS } from "../auth/listener_access.ts";
import { CHARSETS } from "../protocol/charset.ts";
import { TLS_VERSIONS } from "../tls/tls_settings.ts";
import { HIGHEST_CONTENT_LIMITS } from "../protocol/content_limits.ts";
import { didYouMean } from "../nearest.ts";
import { ALERT_ENTRIES, RECEIVER_ENTRIES } from "./alert_entries.ts";
import { alertProblem, receiverProblem } from "./alerting.ts";
import { type ConfigProblem, type KeyPath, mismatch } from "./config_error.ts";
import { GRANT_DEFAULTS, LISTENER_DEFAULTS, PLUGIN_DEFAULTS } from "./defaults.ts";
import { isTable, type Table } from "./is_table.ts";
import {
  addresses,
  anyText,
  bytes,
  choice,
  count,
  duration,
  flag,
  forwardings,
  hostNames,
  instant,
  jsonTable,
  nets,
  noTable,
  origins,
  ownName,
  permission,
  rate,
  rights,
  syncInterval,
  text,
  tokenHash,
  unixSockets,
} from "./values.ts";

/** Where a key is like none that there is, so many are named. */
const LISTED_KEYS = 10;

/** Keys that a listener has one of. */
const TRANSPORTS = ["tcp", "udp", "unix", "http"];
/** Keys of a listener that say nothing over HTTP, and those that say something there alone. */
export const OF_WIRE = ["async_reply", "legacy", "charset"];
export const OF_HTTP = ["cors", "http_hosts", "admin"];
/** Of all listeners: each login is compared with each of them. */
const MAX_TOKENS = 1000;
const MAX_ALERTS = 100;
const MAX_RECEIVERS = 20;

/** Of one plugin. */
const MAX_WORKERS = 64;

const KIB = 2 ** 10;
const MIB = 2 ** 20;
const GIB = 2 ** 30;

/** The keys of `tls`. */
export const TLS_ENTRIES = {
  cert: text("the path of a PEM file"),
  key: text("the path of a PEM file"),
  client_ca: v.optional(text("the path of a PEM file")),
  min_version: v.optional(choice(TLS_VERSIONS), "1.2"),
};

/** The keys of `[server]`: the address keys first, then those of ServerConfig. */
export const SERVER_ENTRIES = {
  tcp: addresses(),
  udp: addresses(),
  unix: unixSockets(),
  http: addresses(),
  cors: origins(),
  http_hosts: hostNames(),
  admin: choice(ADMIN_KINDS),
  async_reply: flag(),
  legacy: flag(),
  charset: choice(CHARSETS),
  tls: tls(),
  allow: nets(),
  auth: choice(AUTH_KINDS),
  insecure: flag(),
  max_frame: bytes(4 * KIB, 64 * MIB),
  max_connections: count(1, 1_000_000),
  max_connections_per_address: count(0, 1_000_000),
  max_in_flight: count(1, 1_000_000),
  max_unread_reply_bytes: bytes(KIB, GIB),
  slow_reader_timeout: duration(1),
  frame_timeout: duration(0),
  handshake_timeout: duration(0),
  idle_timeout: duration(0),
  keep_alive_timeout: duration(0),
  udp_reply_ratio: count(0, 65_507),
  udp_loopback_ratio: count(0, 65_507),
  max_udp_errors: count(0, 1_000_000),
  auth_timeout: duration(1),
  max_login_failures: count(0, 1_000_000),
  login_delay: duration(0),
  rate_per_address: rate(),
  drain_timeout: duration(0),
  max_queue_bytes: bytes(KIB, 1024 * GIB),
  data: anyText("the path of a folder"),
  max_disk: bytes(32 * MIB, 1024 * 1024 * GIB),
  max_depth: count(1, HIGHEST_CONTENT_LIMITS.depth),
  max_keys: count(1, HIGHEST_CONTENT_LIMITS.keys),
  forward: forwardings(),
  forward_timeout: duration(1),
  control: text('a path, "auto" or "none"'),
  control_tcp: addresses(),
  realtime: flag(),
  history: flag(),
  max_log_lines: count(0, 1_000_000),
  audit: anyText("the path of a file"),
  log_level: choice(["debug", "info", "warn", "error"]),
  log_format: choice(["auto", "text", "json"]),
};

/** The keys of `[[listener]]`: addresses of one transport, and how their callers are answered. */
export const LISTENER_ENTRIES = {
  tcp: v.optional(addresses()),
  udp: v.optional(addresses()),
  unix: v.optional(unixSockets()),
  http: v.optional(addresses()),
  async_reply: v.optional(flag(), LISTENER_DEFAULTS.async_reply),
  legacy: v.optional(flag(), LISTENER_DEFAULTS.legacy),
  charset: v.optional(choice(CHARSETS), LISTENER_DEFAULTS.charset),
  tls: v.optional(tls(), LISTENER_DEFAULTS.tls),
  cors: v.optional(origins(), LISTENER_DEFAULTS.cors),
  http_hosts: v.optional(hostNames(), LISTENER_DEFAULTS.http_hosts),
  admin: v.optional(choice(ADMIN_KINDS), LISTENER_DEFAULTS.admin),
  allow: v.optional(nets(), LISTENER_DEFAULTS.allow),
  auth: v.optional(choice(AUTH_KINDS), LISTENER_DEFAULTS.auth),
  insecure: v.optional(flag(), LISTENER_DEFAULTS.insecure),
};

const GRANT_ENTRIES = {
  rights: rights(),
  expires: v.optional(instant()),
  rate: v.optional(rate(), GRANT_DEFAULTS.rate),
};

/** The keys of `[[token]]`. */
export const TOKEN_ENTRIES = {
  name: ownName(),
  hash: tokenHash(),
  ...GRANT_ENTRIES,
};

/** The keys of `[[certificate]]`. */
export const CERTIFICATE_ENTRIES = {
  subject: text('the subject of a client certificate such as "CN=shop"'),
  ...GRANT_ENTRIES,
};

export const QUEUE_ENTRIES = {
  max_ops: v.optional(count(1, 1_000_000_000), PLUGIN_DEFAULTS.queue.max_ops),
  // Its default depends on the plugin's durability.
  max_bytes: v.optional(bytes(KIB, 1024 * 1024 * GIB)),
};

export const JOURNAL_ENTRIES = {
  sync: v.optional(syncInterval(), PLUGIN_DEFAULTS.journal.sync),
  max_disk: v.optional(bytes(32 * MIB, 1024 * 1024 * GIB), PLUGIN_DEFAULTS.journal.max_disk),
};

export const RETRY_ENTRIES = {
  max_attempts: v.optional(count(1, 100), PLUGIN_DEFAULTS.retry.max_attempts),
  backoff: v.optional(duration(1), PLUGIN_DEFAULTS.retry.backoff),
  max_backoff: v.optional(duration(1), PLUGIN_DEFAULTS.retry.max_backoff),
};

export const DEDUP_ENTRIES = {
  window: v.optional(duration(0), PLUGIN_DEFAULTS.dedup.window),
  max_keys: v.optional(count(1, 100_000_000), PLUGIN_DEFAULTS.dedup.max_keys),
  max_bytes: v.optional(bytes(KIB, 1024 * GIB), PLUGIN_DEFAULTS.dedup.max_bytes),
};

export const DEAD_ENTRIES = {
  max_ops: v.optional(count(0, 10_000_000), PLUGIN_DEFAULTS.dead.max_ops),
  max_bytes: v.optional(bytes(0, 1024 * GIB), PLUGIN_DEFAULTS.dead.max_bytes),
};

export const RESULTS_ENTRIES = {
  keep: v.optional(duration(0), PLUGIN_DEFAULTS.results.keep),
  max_ops: v.optional(count(1, 10_000_000), PLUGIN_DEFAULTS.results.max_ops),
  max_bytes: v.optional(bytes(KIB, 1024 * GIB), PLUGIN_DEFAULTS.results.max_bytes),
};

export const WORKERS_ENTRIES = {
  min: v.optional(count(0, MAX_WORKERS)),
  max: v.optional(count(1, MAX_WORKERS), PLUGIN_DEFAULTS.workers.max),
  idle: v.optional(duration(10), PLUGIN_DEFAULTS.workers.idle),
};

export const CACHE_ENTRIES = {
  max_entries: v.optional(count(0, 1_000_000_000), PLUGIN_DEFAULTS.cache.max_entries),
  max_bytes: v.optional(bytes(0, 1024 * GIB), PLUGIN_DEFAULTS.cache.max_bytes),
};

export const PERMISSION_ENTRIES = {
  net: v.optional(permission(), PLUGIN_DEFAULTS.permissions.net),
  read: v.optional(permission(), PLUGIN_DEFAULTS.permissions.read),
  write: v.optional(permission(), PLUGIN_DEFAULTS.permissions.write),
  env: v.optional(permission(), PLUGIN_DEFAULTS.permissions.env),
  run: v.optional(permission(), PLUGIN_DEFAULTS.permissions.run),
  sys: v.optional(permission(), PLUGIN_DEFAULTS.permissions.sys),
  ffi: v.optional(permission(), PLUGIN_DEFAULTS.permissions.ffi),
  import: v.optional(permission(), PLUGIN_DEFAULTS.permissions.import),
};

/** The keys of `[[plugin]]`. */
export const PLUGIN_ENTRIES = {
  name: text(
    "a name of 1 to 64 bytes, not a number, without NUL and not starting with Reserve.",
    isPluginName,
  ),
  biz: v.optional(count(1, 65_535)),
  module: text('"builtin:NAME" or the path of a module', (module) => !/^(https?|npm|jsr|data):/.test(module)),
  workers: v.optional(workers(), PLUGIN_DEFAULTS.workers),
  concurrency: v.optional(count(1, 65_536)),
  affinity: v.optional(text("the key or path of a param", (param) => param !== "")),
  timeout: v.optional(duration(1), PLUGIN_DEFAULTS.timeout),
  grace: v.optional(duration(0), PLUGIN_DEFAULTS.grace),
  health_interval: v.optional(duration(0), PLUGIN_DEFAULTS.health_interval),
  ttl: v.optional(duration(0), PLUGIN_DEFAULTS.ttl),
  max_delay: v.optional(duration(0), PLUGIN_DEFAULTS.max_delay),
  retry: v.optional(table(RETRY_ENTRIES), {}),
  dedup: v.optional(table(DEDUP_ENTRIES), {}),
  dead: v.optional(table(DEAD_ENTRIES), {}),
  results: v.optional(table(RESULTS_ENTRIES), {}),
  isolation: v.optional(choice(["worker", "process"]), PLUGIN_DEFAULTS.isolation),
  max_memory: v.optional(bytes(0, 1024 * GIB), PLUGIN_DEFAULTS.max_memory),
  recycle_after: v.optional(count(0, 1_000_000_000_000), PLUGIN_DEFAULTS.recycle_after),
  queue: v.optional(table(QUEUE_ENTRIES), {}),
  durability: v.optional(choice(["memory", "journal"]), PLUGIN_DEFAULTS.durability),
  journal: v.optional(table(JOURNAL_ENTRIES), {}),
  cache: v.optional(table(CACHE_ENTRIES), {}),
  expose_trace: v.optional(flag(), PLUGIN_DEFAULTS.expose_trace),
  traceparent: v.optional(flag(), PLUGIN_DEFAULTS.traceparent),
  permissions: v.optional(table(PERMISSION_ENTRIES), {}),
  essential: v.optional(flag(), PLUGIN_DEFAULTS.essential),
  log_level: v.optional(choice(["auto", "debug", "info", "warn", "error"]), PLUGIN_DEFAULTS.log_level),
  slow_operation: v.optional(duration(0), PLUGIN_DEFAULTS.slow_operation),
  watch: v.optional(flag(), PLUGIN_DEFAULTS.watch),
  config: v.optional(jsonTable(), PLUGIN_DEFAULTS.config),
};

const OWN_KEYS = "; keys of the plugin's own stand in [plugin.config]";

/** One plugin; keys of its own stand in its config. */
export const PLUGIN_SCHEMA = table(PLUGIN_ENTRIES, undefined, OWN_KEYS);

/** `[server]` with every key. */
export const SERVER_SCHEMA = table(SERVER_ENTRIES);

/** One layer of `[server]`: any of its keys. */
export const SERVER_LAYER_SCHEMA = table(v.partial(v.object(SERVER_ENTRIES)).entries);

/** The whole file. */
export const FILE_SCHEMA = table({
  server: v.optional(SERVER_LAYER_SCHEMA, {}),
  listener: v.optional(list("listener", table(LISTENER_ENTRIES, listenerProblem)), []),
  token: v.optional(atMost(MAX_TOKENS, "token", table(TOKEN_ENTRIES)), []),
  certificate: v.optional(list("certificate", table(CERTIFICATE_ENTRIES)), []),
  alert: v.optional(atMost(MAX_ALERTS, "alert", table(ALERT_ENTRIES, alertProblem)), []),
  receiver: v.optional(atMost(MAX_RECEIVERS, "receiver", table(RECEIVER_ENTRIES, receiverProblem)), []),
  plugin: v.optional(list("plugin", PLUGIN_SCHEMA)),
});

/** A problem of a value, and whether it is its key that is wrong. */
export interface SchemaProblem extends ConfigProblem {
  readonly path: KeyPath;
  readonly isOfKey: boolean;
}

/** The problems of a value, each with its key path. */
export function problemsOf(schema: v.GenericSchema<unknown, unknown>, value: unknown): SchemaProblem[] {
  return (v.safeParse(schema, value).issues ?? []).map(({ path = [], message }) => ({
    path: path.map(({ key }) => typeof key === "number" ? key : String(key)),
    message,
    isOfKey: path.at(-1)?.origin === "key",
  }));
}

/**
 * A table whose unknown keys are problems, each with the nearest known one, or the table that it belongs into.
 *
 * @param check names one more problem
 * @param otherwise what is said of a key that none of the others is like
 */
function table<E extends v.ObjectEntries>(
  entries: E,
  check: (table: Table) => string | undefined = () => undefined,
  otherwise = knownText(Object.keys(entries)),
) {
  const known = Object.keys(entries);
  const schema = v.object(entries, "is missing");
  return v.pipe(
    v.unknown(),
    v.rawTransform<unknown, v.InferOutput<typeof schema>>(({ dataset: { value }, addIssue, NEVER }) => {
      // A list passes for an object: `[[server]]`, `permissions = []`.
      if (!isTable(value)) {
        addIssue({ message: mismatch("a table", value).message });
        return NEVER;
      }
      const { issues = [], output, success } = v.safeParse(schema, value);
      for (const { message, path } of issues) addIssue({ message, path });
      // Of the value itself: the schema passes over keys such as __proto__.
      for (const key of Object.keys(value)) {
        if (known.includes(key)) continue;
        const path = { type: "object", origin: "key", input: value, key, value: value[key] } as const;
        addIssue({
          message: `unknown key${didYouMean(key, known) || elsewhereText(key) || otherwise}`,
          path: [path],
        });
      }
      const message = check(value);
      if (message !== undefined) addIssue({ message });
      return success ? output : NEVER;
    }),
  );
}

function atMost<S extends v.GenericSchema>(most: number, name: string, item: S) {
  return v.pipe(list(name, item), v.maxLength(most, `there may be ${most} ${name}s`));
}

function list<S extends v.GenericSchema>(name: string, item: S) {
  return v.array(item, ({ input }) => {
    const expected = `a list of tables, each [[${name}]]`;
    return isTable(input)
      ? `expected ${expected}, got one table: [${name}]`
      : mismatch(expected, input).message;
  });
}

/** So many, always, or a table of how many for how much work. */
function workers() {
  return v.lazy((value) =>
    isTable(value) ? table(WORKERS_ENTRIES, fewestIsWithinMost) : count(1, MAX_WORKERS)
  );
}

function fewestIsWithinMost({ min, max = PLUGIN_DEFAULTS.workers.max }: Table): string | undefined {
  return typeof min !== "number" || typeof max !== "number" || min <= max
    ? undefined
    : `expected a min of at most max, got min ${min} and max ${max}`;
}

/** "none", or where the files are. */
function tls() {
  return v.lazy((value) => isTable(value) ? table(TLS_ENTRIES) : noTable());
}

function listenerProblem(listener: Table): string | undefined {
  return transportProblem(listener) ?? tlsProblem(listener);
}

function tlsProblem({ tls = "none", udp, unix }: Table): string | undefined {
  if (tls === "none" || (udp === undefined && unix === undefined)) return undefined;
  return udp !== undefined
    ? "a listener on UDP has no TLS: leave tls out, and give callers who are to be encrypted one on TCP"
    : "a listener on a Unix socket has no TLS: leave tls out; its bytes leave the machine nowhere";
}

function transportProblem(listener: Table): string | undefined {
  const given = TRANSPORTS.filter((key) => Object.hasOwn(listener, key));
  if (given.length !== 1) {
    return `expected one of ${TRANSPORTS.join(", ")}, got ${given.join(" and ") || "none"}`;
  }
  const foreign = given[0] === "http" ? OF_WIRE : OF_HTTP;
  const found = foreign.find((key) => Object.hasOwn(listener, key));
  return found === undefined ? undefined : `${found} is not for a listener of ${given[0]}`;
}

function isPluginName(name: string): boolean {
  const size = new TextEncoder().encode(name).length;
  return size <= 64 && !name.includes("\0") && !/^\d+$/.test(name) && !name.startsWith("Reserve.");
}

/** Which other table has a key of that name. */
function elsewhereText(key: string): string {
  const tables = { "[server]": SERVER_ENTRIES, "[[plugin]]": PLUGIN_ENTRIES };
  const found = Object.entries(tables).find(([, entries]) => Object.hasOwn(entries, key));
  return found === undefined ? "" : `; it is a key of ${found[0]}`;
}

/** The keys that there are, where they are few. */
function knownText(known: readonly string[]): string {
  return known.length > LISTED_KEYS ? "" : `; there are ${known.join(", ")}`;
}
