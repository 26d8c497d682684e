import { isAbsolute, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import * as v from "valibot";
import type { Grant } from "../auth/credential.ts";
import { alertReceiver, alertRule, doubtfulAlerts, unknownReceivers } from "./alerting.ts";
import { formatAddress } from "./address.ts";
import { clashesOf } from "./clashes.ts";
import type { Config, ListenerConfig, PluginConfig, ServerConfig } from "./config.ts";
import { startText } from "./config_file.ts";
import { ConfigError } from "./config_error.ts";
import { DEFAULT_PLUGINS, PLUGIN_DEFAULTS, SERVER_DEFAULTS } from "./defaults.ts";
import { type ConfigDocument, parseDocument } from "./document.ts";
import { circularForwarding, forwardingWarnings } from "./forwarding.ts";
import type { Table } from "./is_table.ts";
import { Layers } from "./layers.ts";
import { doubtfulGrants } from "./doubtful_grants.ts";
import { exposureOf } from "./exposure.ts";
import { misplacedKeys } from "./misplaced.ts";
import { environmentFile, environmentLayer, flagLayer, NO_FILE, variableOf } from "./overrides.ts";
import { FILE_SCHEMA, problemsOf, SERVER_LAYER_SCHEMA, SERVER_SCHEMA } from "./schema.ts";
import type { TlsSettings } from "../tls/tls_settings.ts";
import { tlsBesideUdp } from "./tls_beside_udp.ts";
import { parseBytes } from "./units.ts";
import { workerNumbers } from "./worker_numbers.ts";

/** Where a config may come from. */
export interface ConfigSources {
  /** The config file's path, or `none`; without it the one that MEVENT_CONFIG names, or none. */
  readonly file?: string | undefined;
  /** The file's text, where it has been read already; its paths are relative to `file` all the same. */
  readonly text?: string;
  /** What the file holds, where there is no text of it. */
  readonly document?: Readonly<Record<string, unknown>>;
  readonly env: Readonly<Record<string, string>>;
  /** Keys of `[server]` as in the file; values as in the file or as text. */
  readonly flags: Readonly<Record<string, unknown>>;
}

type FileOutput = v.InferOutput<typeof FILE_SCHEMA>;
type ServerOutput = v.InferOutput<typeof SERVER_SCHEMA>;
type ListenerOutput = FileOutput["listener"][number];

/** The config: flags over MEVENT_* environment over file over default. Throws ConfigError with all problems. */
export function loadConfig(sources: ConfigSources): Config {
  const named = sources.file ?? environmentFile(sources.env);
  const file = named === NO_FILE ? undefined : named;
  const { values, positions } = documentOf(sources, file);
  const document = withPlugins(values);
  const environment = environmentLayer(sources.env);
  const layers = new Layers(document, {
    file,
    positions,
    environment: environment.values,
    flags: flagLayer(sources.flags).values,
  });
  const inFile = [
    ...problemsOf(FILE_SCHEMA, document).map((each) => layers.inFile(each, each.isOfKey)),
    ...clashesOf(layers.server, document).map((each) => layers.clash(each)),
    ...unknownReceivers(document).map((each) => layers.inFile(each, false)),
    ...tlsBesideUdp(layers.server).map((each) => layers.inPlace(each)),
    ...exposureOf(layers.server, document["listener"]).problems.map((each) => layers.inPlace(each)),
  ];
  const problems = [
    ...inFile.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0)),
    ...problemsOf(SERVER_LAYER_SCHEMA, environment.values).map(({ path: [key, ...path], message }) => ({
      source: "environment",
      path: [variableOf(String(key)), ...path],
      message,
    })),
    ...problemsOf(SERVER_LAYER_SCHEMA, layers.flags).map(({ path, message }) => ({
      source: "command line",
      path,
      message,
    })),
  ];
  if (problems.length > 0) throw new ConfigError(problems);

  const { listener, plugin = [], token, certificate, alert, receiver } = v.parse(FILE_SCHEMA, document);
  const settings = v.parse(SERVER_SCHEMA, layers.server);
  const listeners = [settings, ...listener].flatMap((each) => listenersOf(each, file));
  const circular = circularForwarding(settings.forward, listeners);
  if (circular !== undefined) {
    const message = `${formatAddress(circular)} is this server itself, and requests would go round for ever`;
    throw new ConfigError([layers.inPlace({ path: ["server", "forward"], message })]);
  }
  const plugins = plugin.map((each) => pluginConfig(each, file));
  const forwarded = settings.forward.flatMap(({ names }) => names);
  const tokens = token.map((each) => ({ hash: each.hash, ...grantOf(each.name, each) }));
  const certificates = certificate.map((each) => ({ subject: each.subject, ...grantOf(each.subject, each) }));
  const alerts = alert.map(alertRule);
  const receivers = receiver.map(alertReceiver);
  return {
    server: serverConfig(settings, file),
    listeners,
    plugins,
    tokens,
    certificates,
    alerts,
    receivers,
    file,
    origins: new Map(Object.keys(SERVER_DEFAULTS).map((key) => [key, layers.originOf(key)])),
    layers,
    warnings: [
      ...environment.warnings.map((warning) => `environment: ${warning}`),
      ...misplacedKeys(layers),
      ...exposureOf(layers.server, document["listener"]).warnings,
      ...doubtfulGrants(listeners, [...plugins.map(({ name }) => name), ...forwarded], tokens, certificates),
      ...doubtfulAlerts(alerts, receivers, plugins.map(({ name }) => name)),
      ...emptinessOf({ listeners, plugins }),
      ...forwardingWarnings(settings.forward, plugins, listeners),
    ],
  };
}

function documentOf({ document, text }: ConfigSources, file: string | undefined): ConfigDocument {
  if (document !== undefined) return { values: document, positions: null };
  if (file === undefined) return { values: {}, positions: null };
  return parseDocument(text ?? startText(file), file);
}

function withPlugins(document: Table): Table {
  return Object.hasOwn(document, "plugin") ? document : { ...document, plugin: DEFAULT_PLUGINS };
}

function serverConfig(settings: ServerOutput, file: string | undefined): ServerConfig {
  return {
    maxFrame: settings.max_frame,
    maxConnections: settings.max_connections,
    maxConnectionsPerAddress: settings.max_connections_per_address,
    maxInFlight: settings.max_in_flight,
    maxUnreadReplyBytes: settings.max_unread_reply_bytes,
    slowReaderTimeout: settings.slow_reader_timeout,
    frameTimeout: settings.frame_timeout,
    handshakeTimeout: settings.handshake_timeout,
    idleTimeout: settings.idle_timeout,
    keepAliveTimeout: settings.keep_alive_timeout,
    udpReplyRatio: settings.udp_reply_ratio,
    udpLoopbackRatio: settings.udp_loopback_ratio,
    maxUdpErrors: settings.max_udp_errors,
    allow: settings.allow,
    auth: settings.auth,
    authTimeout: settings.auth_timeout,
    maxLoginFailures: settings.max_login_failures,
    loginDelay: settings.login_delay,
    ratePerAddress: settings.rate_per_address,
    drainTimeout: settings.drain_timeout,
    maxQueueBytes: settings.max_queue_bytes,
    data: settings.data === "" ? "" : pathFrom(settings.data, file),
    maxDisk: settings.max_disk,
    maxDepth: settings.max_depth,
    maxKeys: settings.max_keys,
    forward: settings.forward,
    forwardTimeout: settings.forward_timeout,
    control: settings.control,
    controlTcp: settings.control_tcp,
    realtime: settings.realtime,
    history: settings.history,
    maxLogLines: settings.max_log_lines,
    audit: settings.audit === "" ? "" : pathFrom(settings.audit, file),
    logLevel: settings.log_level,
    logFormat: settings.log_format,
  };
}

function listenersOf(
  {
    tcp = [],
    udp = [],
    unix = [],
    http = [],
    async_reply: asyncReply,
    legacy,
    charset,
    cors,
    http_hosts: httpHosts,
    admin,
    allow,
    auth,
    tls: given,
  }: ListenerOutput,
  file: string | undefined,
): ListenerConfig[] {
  const options = {
    asyncReply,
    legacy,
    charset,
    cors: [],
    httpHosts: [],
    admin: "off",
    allow,
    auth,
  } as const;
  const ofHttp = {
    asyncReply: true,
    legacy: false,
    charset: "utf-8",
    cors,
    httpHosts,
    admin,
    allow,
    auth,
  } as const;
  const tls = tlsSettings(given, file);
  return [
    ...tcp.map((address) => ({ transport: "tcp", ...address, ...options, tls }) as const),
    ...udp.map((address) => ({ transport: "udp", ...address, ...options, tls: null }) as const),
    ...unix.map((socket) => ({ transport: "unix", ...socket, ...options }) as const),
    ...http.map((address) => ({ transport: "http", ...address, ...ofHttp, tls }) as const),
  ];
}

function tlsSettings(tls: ListenerOutput["tls"], file: string | undefined): TlsSettings | null {
  if (tls === "none") return null;
  return {
    cert: pathFrom(tls.cert, file),
    key: pathFrom(tls.key, file),
    clientCa: tls.client_ca === undefined ? null : pathFrom(tls.client_ca, file),
    minVersion: tls.min_version,
  };
}

function grantOf(
  name: string,
  { rights, expires, rate }: Pick<FileOutput["token"][number], "rights" | "expires" | "rate">,
): Grant {
  return { name, rights, expires: expires ?? null, rate };
}

/** A plugin of a file, as the server uses it. */
export function pluginConfig(
  plugin: NonNullable<FileOutput["plugin"]>[number],
  file: string | undefined,
): PluginConfig {
  const { net, read, write, env, run, sys, ffi, import: importing } = plugin.permissions;
  return {
    name: plugin.name,
    biz: plugin.biz,
    module: moduleUrl(plugin.module, file),
    ...workerNumbers(plugin.workers),
    concurrency: plugin.concurrency,
    affinity: plugin.affinity,
    timeout: plugin.timeout,
    grace: plugin.grace,
    healthInterval: plugin.health_interval,
    ttl: plugin.ttl,
    maxDelay: plugin.max_delay,
    retry: {
      maxAttempts: plugin.retry.max_attempts,
      backoff: plugin.retry.backoff,
      maxBackoff: plugin.retry.max_backoff,
    },
    dedup: {
      window: plugin.dedup.window,
      maxKeys: plugin.dedup.max_keys,
      maxBytes: plugin.dedup.max_bytes,
    },
    dead: { maxOps: plugin.dead.max_ops, maxBytes: plugin.dead.max_bytes },
    results: {
      keep: plugin.results.keep,
      maxOps: plugin.results.max_ops,
      maxBytes: plugin.results.max_bytes,
    },
    isolation: plugin.isolation,
    maxMemory: plugin.max_memory,
    recycleAfter: plugin.recycle_after,
    queue: { maxOps: plugin.queue.max_ops, maxBytes: plugin.queue.max_bytes ?? maxQueueBytes(plugin) },
    durability: plugin.durability,
    journal: { sync: plugin.journal.sync, maxDisk: plugin.journal.max_disk },
    cache: { maxEntries: plugin.cache.max_entries, maxBytes: plugin.cache.max_bytes },
    exposeTrace: plugin.expose_trace,
    traceparent: plugin.traceparent,
    permissions: { net, read, write, env, run, sys, ffi, import: importing },
    essential: plugin.essential,
    logLevel: plugin.log_level,
    slowOperation: plugin.slow_operation,
    watch: plugin.watch,
    config: plugin.config,
  };
}

/** Of a plugin that does not say it: what waits in a journal is bounded by the disk that that may take. */
function maxQueueBytes(
  { durability, journal }: Pick<NonNullable<FileOutput["plugin"]>[number], "durability" | "journal">,
): number {
  return durability === "journal" ? journal.max_disk : parseBytes(PLUGIN_DEFAULTS.queue.max_bytes);
}

/** Paths are relative to the config file's directory. */
function moduleUrl(module: string, file: string | undefined): string {
  if (module.startsWith("builtin:") || module.startsWith("file:")) return module;
  return pathToFileURL(pathFrom(module, file)).href;
}

function pathFrom(path: string, file: string | undefined): string {
  return file === undefined || isAbsolute(path) ? resolve(path) : resolve(file, "..", path);
}

/** What is said of a config that nobody can reach, or that does nothing. */
export function emptinessOf(
  { listeners, plugins }: {
    readonly listeners: readonly ListenerConfig[];
    readonly plugins: readonly PluginConfig[];
  },
): string[] {
  const warnings: string[] = [];
  if (listeners.length === 0) warnings.push("no listener is configured: nobody can reach the server");
  if (plugins.length === 0) warnings.push("no plugin is configured: every operation will be answered 18");
  return warnings;
}
