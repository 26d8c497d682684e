import type { AdminKind } from "../auth/admin_level.ts";
import type { AlertReceiver, AlertRule } from "../alerts/alert_rule.ts";
import type { CertificateGrant } from "../auth/certificates.ts";
import type { AccessConfig } from "../auth/listener_access.ts";
import type { Rate } from "../auth/rate.ts";
import type { LoginLimits, TokenGrant } from "../auth/token_guard.ts";
import type { InetAddress } from "./address.ts";
import type { NetLimits } from "../net/limits.ts";
import type { LogLevel } from "../observe/log.ts";
import type { JsonObject } from "../plugin.ts";
import type { Forwarding } from "./forwarding.ts";
import type { Layers, Origin } from "./layers.ts";
import type { CharsetName } from "../protocol/charset.ts";
import type { TlsSettings } from "../tls/tls_settings.ts";
import type { UnixSocket } from "./unix_socket.ts";

/** Everything the server is told at its start. Durations are in milliseconds, sizes in bytes. */
export interface Config {
  readonly server: ServerConfig;
  readonly listeners: readonly ListenerConfig[];
  readonly plugins: readonly PluginConfig[];
  /** Who may do what on the listeners that ask for it. */
  readonly tokens: readonly TokenGrant[];
  readonly certificates: readonly CertificateGrant[];
  /** What is watched, and who is told. */
  readonly alerts: readonly AlertRule[];
  readonly receivers: readonly AlertReceiver[];
  /** The config file's path as it was given, or undefined where there is none. */
  readonly file: string | undefined;
  /** Where the value of each key of `[server]` comes from; keys as in the file: `max_frame`. */
  readonly origins: ReadonlyMap<string, Origin>;
  /** The same of all keys, with the place in the file. */
  readonly layers: Layers;
  /** What is allowed but hardly meant, a sentence each: for the log. */
  readonly warnings: readonly string[];
}

/**
 * The keys of `[server]` other than its addresses, which are among {@link Config.listeners}. Who may come in by these counts for
 * control connections over TCP, too; a certificate is none that those know, so it stands for a token.
 */
export interface ServerConfig extends NetLimits, LoginLimits, AccessConfig {
  /** What all callers from one address together may ask for; null is no bound. */
  readonly ratePerAddress: Rate | null;
  /** How long a stopping server works off its queues, in milliseconds; 0 stops at once. */
  readonly drainTimeout: number;
  /** What all queues together may hold, in bytes. */
  readonly maxQueueBytes: number;
  /** The folder of the journals; "" for the one that {@link dataFolder} finds. */
  readonly data: string;
  /** What all journals together may take on disk, in bytes. */
  readonly maxDisk: number;
  /** Levels and keys that the params of one operation may have. */
  readonly maxDepth: number;
  readonly maxKeys: number;
  /** Requests that another server answers. */
  readonly forward: readonly Forwarding[];
  /** How long such a server may take to answer one, in milliseconds. */
  readonly forwardTimeout: number;
  /** The control socket's path, "auto" for one named after the first listener, or "none". */
  readonly control: string;
  /** Where control connections are taken over the network too. */
  readonly controlTcp: readonly InetAddress[];
  /** The main thread runs before all that is not in real time, where the system allows it. */
  readonly realtime: boolean;
  /** The last hour's figures are kept while there is an HTTP listener. */
  readonly history: boolean;
  /** Lines that the log writes in a second; 0 is no bound. */
  readonly maxLogLines: number;
  /** The file that each change of the running server is noted in; "" for none. */
  readonly audit: string;
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
}

export type LogFormat = "auto" | "text" | "json";

/** A socket to listen on. */
export type ListenerConfig = InetListenerConfig | UnixListenerConfig;

export interface InetListenerConfig extends MannerConfig {
  readonly transport: "tcp" | "udp" | "http";
  readonly hostname: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** Null for plain bytes; those of UDP always are. */
  readonly tls: TlsSettings | null;
}

export interface UnixListenerConfig extends MannerConfig, UnixSocket {
  readonly transport: "unix";
}

/** How the callers of a listener are answered. */
export interface MannerConfig extends AccessConfig {
  /** False where async requests get no reply. */
  readonly asyncReply: boolean;
  /** For clients of old: no reply is longer than 65,536 bytes. */
  readonly legacy: boolean;
  /** What the texts of HDF and cells are written in. */
  readonly charset: CharsetName;
  /** Of HTTP: the origins whose pages may call. */
  readonly cors: readonly string[];
  /** Of HTTP: names by which browsers may reach it, beside its addresses; in small letters. */
  readonly httpHosts: readonly string[];
  /** Of HTTP: what its callers may do with the server, as far as their rights go. */
  readonly admin: AdminKind;
}

export interface PluginConfig {
  readonly name: string;
  /** 1..65535; undefined leaves it to the module. */
  readonly biz: number | undefined;
  /** `builtin:NAME` or the `file:` URL of a module. */
  readonly module: string;
  /** Workers at most. */
  readonly workers: number;
  /** Workers that are there without work; "auto" is one where the module has timers, a `start` or a `health`, else none. */
  readonly minWorkers: number | "all" | "auto";
  /** Those above that end after so long without work, in milliseconds. */
  readonly workerIdle: number;
  /** Operations that one worker runs at once; undefined leaves it to the module. */
  readonly concurrency: number | undefined;
  /** The param whose value decides which worker gets an operation; undefined where any of them does. */
  readonly affinity: string | undefined;
  /** In milliseconds: after it the operation's AbortSignal fires and its caller is answered. */
  readonly timeout: number;
  /** What an operation gets to end in once its signal has fired, before its worker is ended; in milliseconds. */
  readonly grace: number;
  /** The plugin's health is asked for this often, in milliseconds; 0 is never. */
  readonly healthInterval: number;
  /** An operation that waited longer is not run, in milliseconds; 0 is for ever. */
  readonly ttl: number;
  /** The longest delay that a caller may ask for, in milliseconds; 0 is none. */
  readonly maxDelay: number;
  readonly retry: RetryConfig;
  readonly dedup: DedupConfig;
  readonly dead: DeadConfig;
  readonly results: ResultsConfig;
  /** Where the plugin runs: in Web Workers, or each of them in a child process. */
  readonly isolation: "worker" | "process";
  /** What a child process may use, in bytes; 0 is no bound. */
  readonly maxMemory: number;
  /** A worker is replaced after so many operations; 0 is never. */
  readonly recycleAfter: number;
  readonly queue: QueueConfig;
  /** Whether its async operations outlive the server, in a journal on disk. */
  readonly durability: "memory" | "journal";
  readonly journal: JournalConfig;
  readonly cache: CacheConfig;
  /** Whether error replies carry the plugin's stack trace. */
  readonly exposeTrace: boolean;
  /** The header traceparent of HTTP becomes the param mevent.traceparent. */
  readonly traceparent: boolean;
  readonly permissions: PluginPermissions;
  /** The server is not ready while no worker of it can work. */
  readonly essential: boolean;
  /** Lines of the log about it are written from this level on; "auto" for the server's. */
  readonly logLevel: LogLevel | "auto";
  /** An operation that runs for longer is told in the log, in milliseconds; 0 is none. */
  readonly slowOperation: number;
  /** Its code is loaded anew when its files change. */
  readonly watch: boolean;
  /** Handed to the plugin as it is. */
  readonly config: JsonObject;
}

export interface QueueConfig {
  readonly maxOps: number;
  /** Where a journal plugin says nothing, its `journal.max_disk`. */
  readonly maxBytes: number;
}

export interface JournalConfig {
  /** Callers are answered when their operation was written, and that is synced after so long, in ms; 0: it is synced first. */
  readonly sync: number;
  /** What its files may take, in bytes. */
  readonly maxDisk: number;
}

export interface RetryConfig {
  /** Attempts in all; 1 is no retry. */
  readonly maxAttempts: number;
  /** Before the second attempt, doubled each time up to `maxBackoff`; in milliseconds. */
  readonly backoff: number;
  readonly maxBackoff: number;
}

export interface DedupConfig {
  /** How long a key is remembered, in milliseconds; 0 is not at all. */
  readonly window: number;
  readonly maxKeys: number;
  readonly maxBytes: number;
}

/** What is kept of operations that have failed for good. */
export interface ResultsConfig {
  /** How long what async operations came to can be asked for, in milliseconds; 0 is not at all. */
  readonly keep: number;
  readonly maxOps: number;
  readonly maxBytes: number;
}

export interface DeadConfig {
  readonly maxOps: number;
  readonly maxBytes: number;
}

export interface CacheConfig {
  readonly maxEntries: number;
  readonly maxBytes: number;
}

/** What a plugin's workers may do: nothing, everything of the kind, or what is listed. */
export type Permission = boolean | readonly string[];

export interface PluginPermissions {
  readonly net: Permission;
  readonly read: Permission;
  readonly write: Permission;
  readonly env: Permission;
  readonly run: Permission;
  readonly sys: Permission;
  readonly ffi: Permission;
  readonly import: Permission;
}
