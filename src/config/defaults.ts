/** The value of each key of `[server]` where nothing else is said, as it would stand in the file. */
export const SERVER_DEFAULTS = {
  tcp: "127.0.0.1:26000",
  udp: "127.0.0.1:26000",
  unix: "",
  http: "",
  cors: "",
  http_hosts: "",
  admin: "auto",
  async_reply: true,
  legacy: false,
  charset: "utf-8",
  tls: "none",
  allow: [],
  auth: "none",
  insecure: false,
  max_frame: "64 KiB",
  max_connections: 10_000,
  max_connections_per_address: 5_000,
  max_in_flight: 4096,
  max_unread_reply_bytes: "1 MiB",
  slow_reader_timeout: "30s",
  frame_timeout: "30s",
  handshake_timeout: "10s",
  idle_timeout: "0s",
  keep_alive_timeout: "75s",
  udp_reply_ratio: 3,
  udp_loopback_ratio: 0,
  max_udp_errors: 1_000,
  auth_timeout: "5s",
  max_login_failures: 10,
  login_delay: "1s",
  rate_per_address: "",
  drain_timeout: "30s",
  max_queue_bytes: "1 GiB",
  data: "",
  max_disk: "10 GiB",
  max_depth: 64,
  max_keys: 100_000,
  forward: "",
  forward_timeout: "30s",
  control: "auto",
  control_tcp: "",
  realtime: false,
  history: true,
  max_log_lines: 1_000,
  audit: "",
  log_level: "info",
  log_format: "auto",
} as const;

/** The same for `[[plugin]]`; its other keys have no default. */
export const PLUGIN_DEFAULTS = {
  workers: { max: 1, idle: "1m" },
  timeout: "30s",
  grace: "1s",
  health_interval: "10s",
  ttl: "0s",
  max_delay: "0s",
  retry: { max_attempts: 1, backoff: "1s", max_backoff: "1m" },
  dedup: { window: "0s", max_keys: 100_000, max_bytes: "16 MiB" },
  dead: { max_ops: 1_000, max_bytes: "16 MiB" },
  results: { keep: "0s", max_ops: 10_000, max_bytes: "16 MiB" },
  isolation: "worker",
  max_memory: "512 MiB",
  recycle_after: 0,
  queue: { max_ops: 1_000_000, max_bytes: "256 MiB" },
  durability: "memory",
  journal: { sync: "always", max_disk: "1 GiB" },
  cache: { max_entries: 100_000, max_bytes: "64 MiB" },
  expose_trace: false,
  traceparent: false,
  essential: false,
  log_level: "auto",
  slow_operation: "0s",
  watch: false,
  permissions: {
    net: false,
    read: false,
    write: false,
    env: false,
    run: false,
    sys: false,
    ffi: false,
    import: false,
  },
  config: {},
} as const;

/** The same for `[[listener]]`. */
export const LISTENER_DEFAULTS = {
  async_reply: true,
  legacy: false,
  charset: "utf-8",
  cors: "",
  http_hosts: "",
  admin: "auto",
  tls: "none",
  allow: [],
  auth: "none",
  insecure: false,
} as const;

/** The same for `[[token]]` and `[[certificate]]`; their other keys have no default. */
export const GRANT_DEFAULTS = { rate: "" } as const;

/** The same for `[[alert]]`: what it watches has no default, nor has the plugin. */
export const ALERT_DEFAULTS = {
  window: "1m",
  min_ops: 10,
  for: "30s",
  clear: "1m",
  repeat: "4h",
  to: "",
} as const;

/** The same for `[[receiver]]`; `format` and `headers` are of a webhook. */
export const RECEIVER_DEFAULTS = { format: "json", headers: {}, timeout: "10s" } as const;

/** The plugins of a server whose file names none, or that has no file. */
export const DEFAULT_PLUGINS = [
  { name: "skeleton", biz: 1, module: "builtin:skeleton" },
  { name: "echo", biz: 3, module: "builtin:echo" },
] as const;
