import type { LogLevel } from "../observe/log.ts";
import type { JsonObject } from "../plugin.ts";

/** Everything the server is told at its start. Durations are in milliseconds, sizes in bytes. */
export interface Config {
  readonly server: ServerConfig;
  readonly listeners: readonly ListenerConfig[];
  readonly plugins: readonly PluginConfig[];
  /** The config file's path as it was given, or undefined where there is none. */
  readonly file: string | undefined;
  /** Where the value of each key of `[server]` comes from; keys as in the file: `max_frame`. */
  readonly origins: ReadonlyMap<string, Origin>;
  /** What is allowed but hardly meant, a sentence each: for the log. */
  readonly warnings: readonly string[];
}

export type Origin = "flag" | "environment" | "file" | "default";

/** The keys of `[server]` other than its addresses, which are among {@link Config.listeners}. */
export interface ServerConfig {
  /** The longest message on TCP and Unix sockets, in bytes, its four length bytes included. */
  readonly maxFrame: number;
  readonly maxConnections: number;
  /** Operations that one connection may have unanswered. */
  readonly maxInFlight: number;
  /** Bytes of replies that one connection may leave unread before it counts as a slow reader. */
  readonly maxUnreadReplyBytes: number;
  /** How long a connection may be a slow reader before it is closed, in milliseconds. */
  readonly slowReaderTimeout: number;
  /** How long a stopping server works off its queues, in milliseconds; 0 stops at once. */
  readonly drainTimeout: number;
  /** What all queues together may hold, in bytes. */
  readonly maxQueueBytes: number;
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
}

export type LogFormat = "auto" | "text" | "json";

/** A socket to listen on. */
export type ListenerConfig = InetListenerConfig | UnixListenerConfig;

export interface InetListenerConfig {
  readonly transport: "tcp" | "udp";
  readonly hostname: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** False where async requests get no reply. */
  readonly asyncReply: boolean;
}

export interface UnixListenerConfig {
  readonly transport: "unix";
  readonly path: string;
  /** False where async requests get no reply. */
  readonly asyncReply: boolean;
}

export interface PluginConfig {
  readonly name: string;
  /** 1..65535; undefined leaves it to the module. */
  readonly biz: number | undefined;
  /** `builtin:NAME` or the `file:` URL of a module. */
  readonly module: string;
  readonly workers: number;
  /** Operations that one worker runs at once; undefined leaves it to the module. */
  readonly concurrency: number | undefined;
  /** The param whose value decides which worker gets an operation; undefined where any of them does. */
  readonly affinity: string | undefined;
  /** In milliseconds: after it the operation's AbortSignal fires and its caller is answered. */
  readonly timeout: number;
  readonly queue: QueueConfig;
  readonly cache: CacheConfig;
  /** Whether error replies carry the plugin's stack trace. */
  readonly exposeTrace: boolean;
  readonly permissions: PluginPermissions;
  /** Handed to the plugin as it is. */
  readonly config: JsonObject;
}

export interface QueueConfig {
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
